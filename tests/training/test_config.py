"""Configurations: what they may say, and what they say to the rest."""

from __future__ import annotations

import contextlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux.errors import ArgumentError, DataError, FluxError
from flux.training import (
    PRESETS,
    Origin,
    Run,
    changed,
    configure,
    model_graph,
    read_config,
    read_settings,
    split,
)
from flux.training.presets import FOLDER

# Preset: width, heads, blocks, feed-forward, context, batch.
SHAPES = {
    "calculus": (64, 4, 2, 256, 48, 16),
    "calculus-long": (96, 4, 2, 384, 64, 32),
    "tiny": (64, 2, 1, 128, 32, 1),
    "small": (128, 4, 2, 512, 64, 1),
    "small-b16": (128, 4, 2, 512, 64, 16),
    "nanogpt-cpu": (128, 4, 4, 512, 64, 12),
    "medium": (256, 8, 4, 1024, 128, 16),
    "large": (512, 16, 6, 2048, 128, 8),
}


def test_the_presets_are_those_that_are_documented() -> None:
    assert list(PRESETS) == [*SHAPES, "table"]
    for name, shape in SHAPES.items():
        p = PRESETS[name]
        assert (p.width, p.heads, p.layers, p.feed_forward, p.context, p.batch) == shape
        assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8").startswith(f"# {name}: ")


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_saved_is_read_back(name: str, tmp_path: Path) -> None:
    words = ["sizes.h=3", "options.p=0.5", "beta2=0.5", 'data=["a b.txt", "c\\"d"]', "seed=7"]
    config = configure([read_settings(words)], name)
    path = tmp_path / "config.toml"
    path.write_text(config.text(), encoding="utf-8")
    again = configure([read_config(path)])
    assert again.text() == config.text()
    assert again.preset.full_recipe() == config.preset.full_recipe()
    assert (again.data, again.seed, again.name) == (("a b.txt", 'c"d'), 7, name)


@given(st.text())
def test_any_text_is_written_as_toml(text: str) -> None:
    config = configure([{"definition": text.encode("utf-8", "replace").decode()}])
    assert tomllib.loads(config.text())["definition"] == config.preset.definition


def test_later_layers_are_stronger_and_tables_are_joined() -> None:
    layers: list[dict[str, Any]] = [
        {"preset": "tiny", "steps": 5, "sizes": {"h": 1, "i": 2}, "beta1": 0.5},
        {"steps": 6, "sizes": {"h": 3}, "beta2": 0.6},
    ]
    preset = configure(layers).preset
    assert (preset.steps, preset.sizes, preset.width) == (6, {"h": 3, "i": 2}, 64)
    assert (preset.full_recipe().beta1, preset.full_recipe().beta2) == (0.5, 0.6)
    assert preset.full_recipe().steps == 6


MISTAKES = [
    ("stepz=5", "no configuration has a key `stepz`", "did you mean `steps`?"),
    ("steps=1.5", "steps is 1.5; it must be a whole number", ""),
    ("steps=true", "steps is True; it must be a whole number", ""),
    ("steps=many", "steps is 'many'; it must be a whole number", ""),
    ("steps=0", "steps is 0; it must be 1 or more", ""),
    ("steps", "expected KEY=VALUE", ""),
    ("", "expected KEY=VALUE", ""),
    ("=5", "no configuration has a key ``", "the keys are"),
    ("learning_rate=nan", "learning_rate is nan", ""),
    ("learning_rate=inf", "learning_rate is inf", ""),
    ("optimizer=3", "optimizer is 3; it must be a text", ""),
    ("optimizer=addamw", "optimizer 'addamw'", "did you mean `adamw`?"),
    ("beta1=1.0", "beta1 is 1.0; it must be below 1", ""),
    ("not_finite=skp", "not_finite is 'skp'", "skip"),
    ("tokenizer=word", "tokenizer is 'word'", "did you mean `words`?"),
    ("preset=tini", "no preset 'tini'", "did you mean `tiny`?"),
    ("sizes=3", "sizes is 3; it must be a table", "sizes.NAME=VALUE"),
    ("sizes.h=0", "sizes.h is 0; it must be 1 or more", ""),
    ("sizes.h=x", "sizes.h is 'x'; it must be a whole number", ""),
    ("size.h=3", "no configuration has a key `size`", "did you mean `sizes`?"),
    ("data=3", "data is 3; it must be a path", ""),
    ("validation=0.95", "validation is 0.95; it must be 0.9 or less", ""),
    ("trees=10000000", "trees is 10000000", ""),
]


@pytest.mark.parametrize(("word", "text", "hint"), MISTAKES)
def test_mistakes(word: str, text: str, hint: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        configure([read_settings([word])])
    assert text in caught.value.text
    assert hint in caught.value.hint


FILES = [
    (b"steps = ", DataError, "is not TOML"),
    (b"\xff", DataError, "is not UTF-8 at byte 0"),
    (b"stepz = 1", ArgumentError, "no configuration has a key `stepz` (in "),
    (b"x = " + b"[" * 100_000, DataError, "is not TOML"),
    (b"#" * 2_000_000, DataError, "more than"),
]


@pytest.mark.parametrize(("content", "error", "message"), FILES)
def test_files_that_are_no_configurations_are_refused(
    content: bytes, error: type[FluxError], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        read_config(path)
    assert message in caught.value.text


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "no.toml", tmp_path):
        with pytest.raises(DataError, match="cannot read"):
            read_config(path)


@given(st.text())
def test_no_word_brings_another_error(word: str) -> None:
    with contextlib.suppress(FluxError):
        configure([read_settings([word])])


@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"sizes": {"dd": 8}}, "gpt has no axis `dd`", "did you mean `d`?"),
        ({"sizes": {"Q": 8}}, "gpt has no axis `Q`", "it has b, d, f, h, k, n, s, t, v"),
        ({"options": {"layer": 1}}, "gpt has no option `layer`", "did you mean `layers`?"),
    ],
)
def test_what_a_model_does_not_have_cannot_be_set(
    changes: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)) as caught:
        model_graph(changed(PRESETS["tiny"], changes))
    assert caught.value.hint == hint


def test_an_axis_of_which_only_the_size_is_asked_may_be_given() -> None:
    source = "model m(x[b]):\n    param a ~ normal(0, 1)\n    loss = mean[b](a*x)/size[z]\n"
    preset = changed(PRESETS["tiny"], {"model": "m.flux", "sizes": {"z": 5}})
    assert model_graph(preset, source).name == "m"


def test_a_text_is_read_in_batches_of_at_least_one() -> None:
    preset = changed(PRESETS["tiny"], {"batch": 0, "context": 4})
    with pytest.raises(ArgumentError, match="of a text it must be 1 or more"):
        Run(Origin(preset), split("abc" * 40, "letters", 4))
