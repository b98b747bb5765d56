"""What a model writes as it learns: kept with each validation, and taken back on the way back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from flux.cli.entry import run
from flux.training import CHECKPOINT, Origin, Preset, Run, RunFolder, checkpoint, split
from flux.training.samples import SAMPLES, Samples

TEXT = "the cat sat on a mat, the dog on a log\n" * 40


def texts(folder: Path) -> dict[int, str]:
    content = (folder / SAMPLES).read_bytes().decode("utf-8")
    parts = re.split(r"^--- step (\d+)\n", content, flags=re.MULTILINE)
    assert parts[0] == ""
    return {int(step): text for step, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_texts_after_the_step_of_the_checkpoint_are_left_out(tmp_path: Path) -> None:
    first = Samples(tmp_path, 0)
    for step in (10, 20, 30):
        first.add(step, f"text {step}")
    with (tmp_path / SAMPLES).open("a") as file:
        file.write("--- step 40\nbrok")
    second = Samples(tmp_path, 20)
    assert texts(tmp_path) == {10: "text 10\n", 20: "text 20\n"}
    second.add(25, "again")
    assert list(texts(tmp_path)) == [10, 20, 25]
    Samples(tmp_path, 0)
    assert (tmp_path / SAMPLES).read_bytes() == b""


@pytest.mark.parametrize(
    "text", ["--- step 7", "a\n--- step 99\nb", "\ud800 is no text", "", "--- step 7\r\n\0"]
)
def test_a_text_that_looks_like_a_header_is_none(text: str, tmp_path: Path) -> None:
    Samples(tmp_path, 0).add(5, text)
    Samples(tmp_path, 5).add(6, "next")
    assert list(texts(tmp_path)) == [5, 6]
    Samples(tmp_path, 5)
    assert list(texts(tmp_path)) == [5]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"my notes\n", b"--- step \n"])
def test_what_stands_before_the_first_header_is_kept(content: bytes, tmp_path: Path) -> None:
    (tmp_path / SAMPLES).write_bytes(content)
    Samples(tmp_path, 0)
    assert (tmp_path / SAMPLES).read_bytes() == content


WORDS = ["train", "--preset", "tiny", "--width", "16", "--context", "16", "--batch", "2"]
WORDS += ["--steps", "60", "--set", "evaluate_every=15", "--set", "save_every=20"]


def _train(folder: Path, name: str, *words: str) -> Path:
    data = folder / "text.txt"
    data.write_text(TEXT, encoding="utf-8")
    assert run([*WORDS, "--data", str(data), "--out", str(folder / name), *words]) == 0
    return folder / name


def test_a_run_writes_at_each_validation_and_ends_with_the_same_file_however_it_was_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = _train(tmp_path, "whole")
    found = texts(whole)
    assert list(found) == [15, 30, 45, 60]
    assert len(set(found.values())) == 4
    # The last text is the one that the command shows.
    assert f"a sample:\n{found[60]}" in capsys.readouterr().out
    stopped = tmp_path / "stopped"
    shutil.copytree(whole, stopped)
    # As a run that was killed at its end: its last save is that of step 40.
    (stopped / "previous-1.safetensors").replace(stopped / CHECKPOINT)
    assert run(["train", "--resume", str(stopped)]) == 0
    assert (stopped / SAMPLES).read_bytes() == (whole / SAMPLES).read_bytes()


def test_writing_changes_no_bits_of_the_run(tmp_path: Path) -> None:
    folders = [_train(tmp_path, "long"), _train(tmp_path, "none", "--set", "sample=0")]
    assert not (folders[1] / SAMPLES).exists()
    long, none = (checkpoint.load(folder / CHECKPOINT).arrays for folder in folders)
    assert long.keys() == none.keys()
    for name, array in long.items():
        np.testing.assert_array_equal(none[name], array)


def test_a_model_whose_logits_are_not_finite_costs_a_remark_and_no_run(tmp_path: Path) -> None:
    preset = Preset(8, 2, 1, 12, 6, 1, 10, 1e-3)
    made = Run(Origin(preset), split("abc" * 40, "letters", preset.context))
    told: list[str] = []
    kept = RunFolder(tmp_path, made, told.append)
    for buffer in made.model.parameters.buffers.values():
        buffer.fill(np.nan)
    kept.sample()
    kept.sample()
    assert len(told) == 1
    assert "the model writes nothing: the logits of token 0" in told[0]
