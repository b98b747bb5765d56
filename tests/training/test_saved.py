"""A checkpoint with a right digest may still say anything."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flux.errors import DataError
from flux.training import (
    CHECKPOINT,
    PRESETS,
    LanguageModel,
    Preset,
    Tokenizer,
    checkpoint,
    load_language_model,
    read_run,
)

PRESET = Preset(8, 2, 1, 12, 6, 1, 10, 1e-3)
LANGUAGE = LanguageModel(PRESET, Tokenizer("abc"), seed=0)
ABOUT: dict[str, Any] = {
    "preset": asdict(PRESET),
    "data": "",
    "seed": 0,
    "characters": "abc",
    "step": 3,
    "text": "",
    "kernels": "",
}


def _saved(folder: Path, **changes: Any) -> Path:
    about = {**ABOUT, **changes}
    kept = {name: value for name, value in about.items() if value is not None}
    checkpoint.save(folder / CHECKPOINT, LANGUAGE.model.parameters.buffers, kept)
    return folder


def test_a_saved_model_comes_back(tmp_path: Path) -> None:
    folder = _saved(tmp_path)
    saved = read_run(folder)
    assert (saved.step, saved.origin.preset, saved.tokenizer.characters) == (3, PRESET, "abc")
    for path, array in load_language_model(folder).model.parameters.items():
        np.testing.assert_array_equal(array, LANGUAGE.model.parameters[path])


HOSTILE = [
    ({"preset": None}, "preset is missing"),
    ({"preset": {}}, "other fields"),
    ({"preset": {**asdict(PRESET), "width": "8"}}, "width is '8'"),
    ({"preset": {**asdict(PRESET), "width": 10**9}}, "not those of its preset"),
    ({"preset": {**asdict(PRESET), "layers": 10**9}}, "not those of its preset"),
    ({"preset": {**asdict(PRESET), "heads": 0}}, "heads is 0"),
    ({"preset": {**asdict(PRESET), "learning_rate": float("nan")}}, "learning_rate is nan"),
    ({"preset": {**asdict(PRESET), "trees": 10**12}}, "trees is 1000000000000"),
    ({"characters": "cba"}, "characters"),
    ({"characters": "abcd"}, "not those of its preset"),
    ({"characters": ["a"]}, "characters"),
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


@pytest.mark.parametrize("name", PRESETS)
def test_parameters_are_counted_as_the_model_has_them(name: str) -> None:
    tokenizer = Tokenizer("abcdefg")
    preset = PRESETS[name]
    assert LanguageModel(preset, tokenizer, 0).model.count == preset.count(tokenizer.size)
