"""Validations on the way: when they come, and that their figures follow from the model's logits."""

from __future__ import annotations

import io
from dataclasses import replace
from math import exp, log
from pathlib import Path

import numpy as np
import pytest

from flux.training import Files, Origin, Preset, Report, Run, display

TEXT = "one fish two fish red fish blue fish, this one has a little star\n" * 12
PRESET = Preset(
    width=8,
    heads=2,
    layers=1,
    feed_forward=12,
    context=6,
    batch=3,
    steps=17,
    evaluate_every=5,
    evaluate_batches=4,
)


def reported(preset: Preset, folder: Path) -> tuple[Run, list[Report]]:
    """A run, and its reports at validations, with the last report's parameters in the model."""
    path = folder / "fish.txt"
    path.write_text(TEXT, encoding="utf-8")
    run = Run(Origin(preset), Files([path]))
    reports: list[Report] = []
    run.train(
        preset.steps,
        display(preset.steps, io.StringIO()),
        save=lambda: None,
        save_every=preset.steps,
        stopped=lambda: False,
        callbacks=[reports.append],
    )
    return run, reports


@pytest.mark.parametrize(("every", "steps"), [(5, [5, 10, 15, 17]), (0, list(range(1, 18)))])
def test_a_run_is_validated_every_so_many_steps_and_at_its_end(
    every: int, steps: list[int], tmp_path: Path
) -> None:
    _, reports = reported(replace(PRESET, evaluate_every=every), tmp_path)
    changed = [
        report.step
        for before, report in zip([None, *reports], reports, strict=False)
        if report.validation is not None
        and (before is None or report.validation != before.validation)
    ]
    assert changed == steps


@pytest.mark.parametrize("kind", ["characters", "words", "symbols"])
def test_its_figures_are_those_of_the_model_s_logits(kind: str, tmp_path: Path) -> None:
    run, reports = reported(replace(PRESET, tokenizer=kind), tmp_path)
    losses = []
    for number in range(PRESET.evaluate_batches):
        batch = run.task.validation(number)
        logits = run.language.logits(batch["tokens"]).astype(np.float64)
        shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        right = np.take_along_axis(shares, batch["targets"][..., None], -1)
        losses.append(-np.log(right).mean())
    loss = float(np.mean(losses))
    last = reports[-1]
    assert last.validation == pytest.approx(loss, rel=1e-5)
    assert last.perplexity == pytest.approx(exp(loss), rel=1e-5)
    tokenizer = run.language.tokenizer
    tokens = tokenizer.encode(TEXT)
    held = tokens[len(tokens) - max(int(len(tokens) * 0.1), PRESET.context + 1) :]
    characters = sum(len(tokenizer.decode([token])) for token in held.tolist())
    assert last.bits == pytest.approx(loss / log(2) * len(held) / characters, rel=1e-5)
    assert (kind == "characters") == (characters == len(held))
