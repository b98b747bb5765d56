"""A small transformer learns a text and writes. Run: python examples/03_train_and_sample.py."""

from itertools import islice

from flux.training import GREEDY, Origin, Preset, Run, split

TEXT = "the cat sat on the mat and the dog sat on the log. " * 40
PRESET = Preset(
    width=32,
    heads=2,
    layers=1,
    feed_forward=64,
    context=16,
    batch=4,
    steps=500,
    learning_rate=1e-2,
    warm_up=20,
)

run = Run(Origin(PRESET), split(TEXT, "cats and dogs", PRESET.context))
language = run.language
print(f"{language.model.count:,} parameters; loss before: {run.validation_loss():.3f}")
run.trainer.run(PRESET.steps)
loss = run.validation_loss()
print(f"loss after {run.trainer.step} steps: {loss:.3f}")

written = "the cat" + "".join(islice(language.write("the cat", GREEDY), 60))
print(written)
assert loss < 0.3
assert written[:22] == "the cat sat on the mat"
