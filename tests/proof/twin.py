"""Flux beside PyTorch, step for step: python -m tests.proof.twin --preset medium [--data FILE].

Both train the preset's model from the same weights on the same batches with the preset's whole
recipe: warm-up and cosine, clipping, AdamW with decay on weights alone. The losses are to agree to
1e-8 in float64 over 50 steps, and to 1e-2 in float32 over 200.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flux.cli.machine import limit_blas
from flux.nn import WEIGHTS, Model
from flux.training import (
    PRESETS,
    Preset,
    Tokenizer,
    Trainer,
    Windows,
    calculus_corpus,
    calculus_lines,
    model_graph,
    read_text,
)
from flux.training.blueprint import language_sizes
from tests.proof.chart import Curve, curves_svg, write

# Type: the number of steps, and how far losses may be apart.
CLAIMS: Mapping[str, tuple[int, float]] = {"float64": (50, 1e-8), "float32": (200, 1e-2)}
Losses = tuple[float, float]


def main() -> None:
    """Train both in both types; exit 1 where they part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="small-b16")
    parser.add_argument("--data", type=Path, help="a text; default: the embedded calculus")
    parser.add_argument("--rows", type=int, help="windows of a step, where fewer are wanted")
    parser.add_argument("--plots", type=Path, help="a folder for the curves")
    options = parser.parse_args()
    limit_blas()
    text = read_text(options.data) if options.data else embedded()
    preset = PRESETS[options.preset]
    preset = replace(preset, batch=options.rows or preset.batch)
    apart = False
    for dtype, (steps, most) in CLAIMS.items():
        losses = [*_told(paired_losses(preset, text, dtype, steps), dtype, steps)]
        worst = max(abs(ours - theirs) for ours, theirs in losses)
        apart |= not worst <= most
        print(
            f"{options.preset}, {preset.batch} rows, {dtype}, {steps} steps: losses at most"
            f" {worst:.2e} apart ({most:g} is claimed); the last one is {losses[-1][0]:.6f}"
        )
        if options.plots:
            title = f"{options.preset}, {preset.batch} rows, {dtype}: at most {worst:.1e} apart"
            write(options.plots / f"twin-{options.preset}-{dtype}.svg", _chart(title, losses))
    sys.exit(apart)


def embedded(trees: int = 2_000) -> str:
    """Lines of calculus, for who has no text."""
    return calculus_corpus(calculus_lines(0, trees, 64)).training


def paired_losses(preset: Preset, text: str, dtype: str, steps: int) -> Iterator[Losses]:
    """The loss of Flux's step and of PyTorch's, for each step."""
    from tests.proof.torch_gpt import Twin

    tokenizer = Tokenizer.from_text(text)
    sizes = language_sizes(preset, tokenizer.size)
    model = Model(model_graph(preset), sizes, seed=0, dtype=dtype)
    batches = Windows(tokenizer.encode(text), preset.context, preset.batch, seed=0)
    recipe = preset.full_recipe()
    weights = [entry.path for entry in model.parameters.entries if entry.group == WEIGHTS]
    twin = Twin(model.parameters, weights, recipe)
    trainer = Trainer(model, data=batches, **asdict(recipe))
    for step in range(steps):
        yield trainer.advance(), twin.step(batches(step))


def _told(losses: Iterator[Losses], dtype: str, steps: int) -> Iterator[Any]:
    for step, (ours, theirs) in enumerate(losses, 1):
        line = f"\r{dtype} {step}/{steps}  Flux {ours:.6f}  PyTorch {theirs:.6f}"
        print(line, end="" if step < steps else "\n", file=sys.stderr, flush=True)
        yield ours, theirs


def _chart(title: str, losses: list[Losses]) -> str:
    ours, theirs = ([(float(n), pair[i]) for n, pair in enumerate(losses)] for i in (0, 1))
    curves = [Curve("Flux", ours), Curve("PyTorch", theirs, dashed=True)]
    return curves_svg(title, "step", "training loss, nats a character", curves)


if __name__ == "__main__":
    main()
