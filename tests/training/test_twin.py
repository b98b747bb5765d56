"""Flux's training step beside PyTorch's; `make twin` does the same for more steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flux.training import PRESETS
from tests.proof.twin import embedded, paired_losses

pytest.importorskip("torch", reason="PyTorch is not installed (the extra `bench`)")

# Warm-up, cosine, clipping and decay all take part within a few steps.
PRESET = replace(
    PRESETS["small-b16"],
    steps=10,
    warm_up=3,
    learning_rate=2e-3,
    recipe={"clip": 0.5},
)


@pytest.mark.parametrize(("dtype", "steps", "apart"), [("float64", 8, 1e-10), ("float32", 8, 1e-4)])
def test_flux_and_pytorch_lose_the_same(dtype: str, steps: int, apart: float) -> None:
    losses = list(paired_losses(PRESET, embedded(trees=300), dtype, steps))
    assert losses[0][0] - losses[-1][0] > 0.2
    for step, (ours, theirs) in enumerate(losses):
        assert ours == pytest.approx(theirs, abs=apart), f"step {step}"
