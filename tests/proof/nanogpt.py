"""The preset `nanogpt-cpu` on a text, with several seeds.

python -m tests.proof.nanogpt --data FILE

Each run is what `flux train --preset nanogpt-cpu --data FILE --seed N` does. The validation loss is
that of the whole validation part, the last tenth of the text, each token foretold once in windows
of the context's length. The mean over the seeds is to be 1.90 or less for tinyshakespeare:
nanoGPT's README gives 1.88 for the same sizes, steps and rates, from 20 random batches of that
part. As there, the head is tied: the embedding is the output matrix.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from flux.cli.machine import limit_blas
from flux.training import PRESETS, Corpus, Origin, Report, Run, assess, display, read_text, split
from tests.proof.chart import Curve, Point, curves_svg, write

PRESET = "nanogpt-cpu"
MOST = 1.90
README = 1.88  # https://github.com/karpathy/nanoGPT, "I only have a macbook"


@dataclass(frozen=True)
class Result:
    """One seed's run.

    Attributes:
        seed: of parameters and batches.
        loss: over the whole validation part, in nats a character.
        steps_per_s: by CPU time, validations included.
        training, validation: the curves.
    """

    seed: int
    loss: float
    steps_per_s: float
    training: list[Point]
    validation: list[Point]


def main() -> None:
    """Train with each seed; exit 1 where the mean is above what is claimed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    limit_blas()
    preset = PRESETS[PRESET]
    corpus = split(read_text(options.data), options.data.name, preset.context)
    results = [_trained(corpus, seed) for seed in range(options.seeds)]
    mean = sum(result.loss for result in results) / len(results)
    print(f"mean {mean:.4f} over {len(results)} seeds; the README gives {README}")
    if options.plot:
        write(options.plot, _chart(results, preset.steps))
    sys.exit(mean > MOST)


def _trained(corpus: Corpus, seed: int) -> Result:
    preset = PRESETS[PRESET]
    run = Run(Origin(preset, seed=seed, name=PRESET), corpus)
    reports: list[Report] = []
    began = process_time()
    run.train(
        preset.steps,
        display(preset.steps),
        save=lambda: None,
        save_every=preset.steps,
        stopped=lambda: False,
        callbacks=[reports.append],
    )
    speed = preset.steps / (process_time() - began)
    found = assess(run.language, corpus.validation, corpus.name, lambda *_: None)
    print(f"seed {seed}  validation loss {found.loss:.4f}  {speed:.1f} steps/s", flush=True)
    validation = {r.validation: (float(r.step), r.validation) for r in reports if r.validation}
    training = [(float(r.step), r.loss) for r in reports]
    return Result(seed, found.loss, speed, training, list(validation.values()))


def _chart(results: list[Result], steps: int) -> str:
    curves = [Curve(f"training, seed {r.seed}", r.training) for r in results]
    curves += [Curve(f"validation, seed {r.seed}", r.validation, dashed=True) for r in results]
    readme = [(0.0, README), (float(steps), README)]
    curves.append(Curve(f"nanoGPT's README: {README}", readme, dashed=True))
    return curves_svg(f"{PRESET} on tinyshakespeare", "step", "loss, nats a character", curves)


if __name__ == "__main__":
    main()
