"""A checkpoint with a right digest may still say anything."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flux.errors import DataError
from flux.training import (
    BEST,
    CHECKPOINT,
    PRESETS,
    LanguageModel,
    Preset,
    Tokenizer,
    checkpoint,
    load_language_model,
    model_graph,
    open_model,
    read_run,
)
from flux.training.blueprint import count, language_sizes

PRESET = Preset(8, 2, 1, 12, 6, 1, 10, 1e-3)
LANGUAGE = LanguageModel(PRESET, Tokenizer("abc"), seed=0)
ABOUT: dict[str, Any] = {
    "preset": asdict(PRESET),
    "name": "tiny",
    "data": [],
    "seed": 0,
    "source": "",
    "tokenizer": {"kind": "characters", "characters": "abc"},
    "step": 3,
    "text": "",
    "kernels": "",
    "best": None,
    "threads": {},
}


def _saved(folder: Path, **changes: Any) -> Path:
    about = {**ABOUT, **changes}
    kept = {name: value for name, value in about.items() if value is not None}
    checkpoint.save(folder / CHECKPOINT, LANGUAGE.model.parameters.buffers, kept)
    return folder


def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    folder = _saved(tmp_path)
    saved = read_run(folder)
    assert (saved.step, saved.origin.preset, saved.tokenizer) == (3, PRESET, Tokenizer("abc"))
    for path, array in load_language_model(folder).model.parameters.items():
        np.testing.assert_array_equal(array, LANGUAGE.model.parameters[path])


def test_a_checkpoint_that_is_named_is_the_one_that_is_read(tmp_path: Path) -> None:
    folder = _saved(tmp_path, step=9)
    other = {name: array + 1 for name, array in LANGUAGE.model.parameters.buffers.items()}
    checkpoint.save(folder / BEST, other, {k: v for k, v in ABOUT.items() if v is not None})
    assert [read_run(folder / name).step for name in (CHECKPOINT, BEST)] == [9, 3]
    best = open_model(folder / BEST)
    for path, array in LANGUAGE.model.parameters.items():
        np.testing.assert_array_equal(best.model.parameters[path], array + 1)
    with pytest.raises(DataError, match="no run in"):
        read_run(folder / "gone.safetensors")


HOSTILE = [
    ({"preset": None}, "preset is missing"),
    ({"preset": {}}, "other fields"),
    ({"preset": {**asdict(PRESET), "width": "8"}}, "width is '8'"),
    ({"preset": {**asdict(PRESET), "width": 10**9}}, "not those of its preset"),
    ({"preset": {**asdict(PRESET), "layers": 10**9}}, "layers is 1000000000"),
    ({"preset": {**asdict(PRESET), "heads": 0}}, "heads is 0"),
    ({"preset": {**asdict(PRESET), "learning_rate": float("nan")}}, "learning_rate is nan"),
    ({"preset": {**asdict(PRESET), "trees": 10**12}}, "trees is 1000000000000"),
    ({"preset": {**asdict(PRESET), "heads": 3}}, "cannot be shared by 3 heads"),
    ({"preset": {**asdict(PRESET), "recipe": {"beta1": 2}}}, "beta1 is 2"),
    ({"preset": {**asdict(PRESET), "recipe": {"steps": 2}}}, "recipe"),
    ({"preset": {**asdict(PRESET), "options": {"layers": 1e9}}}, "makes no sense"),
    ({"preset": {**asdict(PRESET), "model": "gtp"}}, "no `gtp`"),
    ({"preset": {**asdict(PRESET), "model": "x.flux"}}, "defines no model"),
    ({"preset": {**asdict(PRESET), "model": "x.flux"}, "source": "f(x) = "}, "expect"),
    ({"tokenizer": None}, "do not go together"),
    ({"tokenizer": {"kind": "characters", "characters": "cba"}}, "characters"),
    ({"tokenizer": {"kind": "characters", "characters": "abcd"}}, "not those of its preset"),
    ({"tokenizer": {"kind": "characters", "characters": ["a"]}}, "characters"),
    ({"tokenizer": {"kind": "words", "words": ["a", "a", "b"]}}, "words"),
    ({"tokenizer": {"kind": "words", "words": [1]}}, "words"),
    ({"tokenizer": {"kind": "runes"}}, "runes"),
    ({"tokenizer": ["characters"]}, "no table"),
    ({"data": "text.txt"}, "data"),
    ({"data": [1]}, "data"),
    ({"best": "low"}, "best"),
    ({"threads": {"own": 0, "blas": 1, "machine": ""}}, "threads"),
    ({"threads": {"own": 1, "blas": 10**6, "machine": ""}}, "threads"),
    ({"seed": "0"}, "seed"),
    ({"step": True}, "step"),
    ({"step": -1}, "step is -1"),
    ({"kind": "else"}, "not a checkpoint of Flux"),
    ({"version": 99}, "format 99"),
]


@pytest.mark.parametrize(("changes", "message"), HOSTILE)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = _saved(tmp_path, **changes)
    for read in (read_run, load_language_model):
        with pytest.raises(DataError) as caught:
            read(folder)
        assert message in caught.value.text


SMALL = [name for name in PRESETS if name not in ("table", "medium", "large")]


@pytest.mark.parametrize("name", SMALL)
def test_parameters_are_counted_as_the_model_has_them(name: str) -> None:
    tokenizer = Tokenizer("abcdefg")
    preset = PRESETS[name]
    graph = model_graph(preset)
    sizes = language_sizes(preset, tokenizer.size)
    assert LanguageModel(preset, tokenizer, 0).model.count == count(graph, sizes)
