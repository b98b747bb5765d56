"""A file of 173 bytes and 22 different words, and a model small enough for it."""

from __future__ import annotations

from pathlib import Path

from flux.training import Files, Origin, Preset, Run

TEXT = """\
a quiet river carries boats past the old mill
the mill grinds golden wheat while children count small boats
evening brings dusk and the river sleeps near the quiet old mill
"""
PRESET = Preset(
    width=32,
    heads=1,
    layers=1,
    feed_forward=128,
    context=8,
    batch=2,
    steps=1_400,
    learning_rate=1e-2,
    warm_up=20,
    tokenizer="words",
)


def small_run(folder: Path, seed: int = 0) -> Run:
    """A run on the file, which is written into the folder."""
    path = folder / "words.txt"
    path.write_text(TEXT, encoding="utf-8")
    return Run(Origin(PRESET, seed=seed), Files([path]))
