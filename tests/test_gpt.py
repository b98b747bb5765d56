"""The library's GPT against the independent reference, and by what must hold of any GPT."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from flux.nn import WEIGHTS, Model
from flux.training.recipe import Recipe
from flux.training.step import Step
from flux.training.trainer import Trainer
from tests import reference_gpt as reference
from tests.gpt_models import BATCH, SHAPE, assign, batch, gpt, parameters, reference_path

SIZES = {"b": BATCH, "t": SHAPE.context}
OPTIMISER = reference.AdamW(learning_rate=3e-3, clip=0.5, warm_up=10, steps=50)
RECIPE = {
    "learning_rate": OPTIMISER.learning_rate,
    "clip": OPTIMISER.clip,
    "warm_up": OPTIMISER.warm_up,
    "steps": OPTIMISER.steps,
    "final": OPTIMISER.final_fraction,
    "weight_decay": OPTIMISER.weight_decay,
}


def prepared(dtype: str = "float64") -> Model:
    model = gpt(dtype=dtype)
    assign(model, parameters())
    return model


def logits(model: Model, tokens: reference.Tokens) -> np.ndarray:
    return model.evaluate("logits", order=("b", "t", "v"), tokens=tokens)


def decayed(model: Model) -> frozenset[str]:
    return frozenset(reference_path(e.path) for e in model.parameters.members(WEIGHTS))


def test_logits_agree_with_the_reference() -> None:
    tokens, _ = batch()
    expected = reference.logits(parameters(), tokens)
    np.testing.assert_allclose(logits(prepared(), tokens), expected, rtol=0, atol=1e-10)


def test_every_gradient_agrees_with_the_reference() -> None:
    tokens, targets = batch()
    model = prepared()
    found = model.gradient(tokens=tokens, targets=targets)
    expected_loss, expected = reference.gradients(parameters(), tokens, targets)
    assert model.loss(tokens=tokens, targets=targets) == pytest.approx(expected_loss, rel=1e-12)
    assert len(found) == len(expected)
    scale = max(np.abs(g).max() for g in expected.values())
    for path, g in found.items():
        np.testing.assert_allclose(
            g, expected[reference_path(path)], rtol=1e-9, atol=1e-12 * scale, err_msg=path
        )


def test_every_gradient_agrees_with_central_differences() -> None:
    tokens, targets = batch()
    model = prepared()
    found = model.gradient(tokens=tokens, targets=targets)
    random = np.random.default_rng(2)
    for path, values in model.parameters.items():
        flat = values.reshape(-1)
        for i in random.choice(flat.size, min(6, flat.size), replace=False):
            kept, losses = flat[i], []
            for step in (1e-5, -1e-5):
                flat[i] = kept + step
                losses.append(model.loss(tokens=tokens, targets=targets))
            flat[i] = kept
            difference = (losses[0] - losses[1]) / 2e-5
            assert found[path].reshape(-1)[i] == pytest.approx(difference, 1e-6, 1e-9), path


def _losses(model: Model, steps: int) -> tuple[list[float], list[float]]:
    batches = [batch(seed=seed) for seed in range(steps)]
    feed = [{"tokens": tokens, "targets": targets} for tokens, targets in batches]
    trainer = Trainer(model, data=feed, **RECIPE)
    found = [trainer.advance() for _ in range(steps)]
    values = parameters()
    return found, reference.train(values, batches, OPTIMISER, decayed(model))


def test_fifty_steps_of_adamw_agree_with_the_reference() -> None:
    found, expected = _losses(prepared(), 50)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_float32_stays_near_the_reference() -> None:
    found, expected = _losses(prepared("float32"), 50)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", range(1, SHAPE.context))
def test_a_token_leaves_the_logits_before_it_as_they_were(dtype: str, place: int) -> None:
    model = prepared(dtype)
    tokens, _ = batch()
    changed = tokens.copy()
    changed[:, place] = (changed[:, place] + 1) % SHAPE.vocabulary
    before, after = logits(model, tokens), logits(model, changed)
    np.testing.assert_array_equal(before[:, :place], after[:, :place])
    assert not np.array_equal(before[:, place:], after[:, place:])


def test_one_batch_is_learnt_by_heart() -> None:
    text = np.random.default_rng(3).permutation(SHAPE.vocabulary)[None, : SHAPE.context + 1]
    one = {"tokens": text[:, :-1], "targets": text[:, 1:]}
    trainer = Trainer(gpt(dtype="float32"), data=one, learning_rate=0.01, weight_decay=0.0)
    assert trainer.advance() > 2
    assert trainer.run(200) < 0.05


def test_parameters_of_the_tiny_preset_are_counted_as_elsewhere() -> None:
    assert gpt(reference.Shape(65, 32, 64, 2, 1, 128)).count == 43_968


def test_projections_into_the_residual_stream_start_smaller() -> None:
    wide = reference.Shape(65, 16, 64, 4, 3, 128)
    model = gpt(wide)
    for path, array in model.parameters.items():
        if path.endswith((".Wo", ".W2")):
            assert array.std() == pytest.approx(0.02 / np.sqrt(2 * wide.layers), rel=0.05)
        elif path in ("E", "head") or path.endswith((".Wq", ".W1")):
            assert array.std() == pytest.approx(0.02, rel=0.06)


def test_a_step_is_one_program() -> None:
    model = prepared()
    step = Step(model, Recipe(), {**model.sizes, **SIZES})
    assert step.program.entry.arena_bytes > 0
    tokens, targets = batch()
    before = {group: buffer.copy() for group, buffer in model.parameters.buffers.items()}
    step(0, {"tokens": tokens, "targets": targets})
    for group, buffer in model.parameters.buffers.items():
        assert not np.array_equal(buffer, before[group])


def test_threads_change_no_bits() -> None:
    shape = reference.Shape(65, 32, 64, 4, 1, 256)
    tokens = np.random.default_rng(0).integers(0, 65, (4, 33))
    arrays = {"tokens": tokens[:, :-1], "targets": tokens[:, 1:]}
    states = []
    for threads in (1, 2, 3):
        model = gpt(shape, dtype="float32")
        trainer = Trainer(model, data=arrays, threads=threads, learning_rate=0.01)
        trainer.run(5)
        states.append(b"".join(array.tobytes() for array in trainer.state().values()))
    assert states[0] == states[1] == states[2]


def test_a_step_allocates_no_arrays() -> None:
    shape = reference.Shape(65, 64, 128, 4, 2, 512)
    model = gpt(shape, dtype="float32")
    step = Step(model, Recipe(), {**model.sizes, "b": 1, "t": 64})
    tokens = np.arange(65)[None] % 65
    arrays = {"tokens": tokens[:, :-1], "targets": tokens[:, 1:]}
    for n in range(3):
        step(n, arrays)
    tracemalloc.start()
    try:
        step(3, arrays)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # NumPy's loops over broadcast operands take a buffer of 8,192 elements each and free it.
    assert peak < 3 * 8_192 * 8
    assert step.program.arena_bytes > 10 * peak
