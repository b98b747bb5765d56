"""A run's folder: metrics that survive, a curve, and writes that fail."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from flux.errors import DataError
from flux.training import CHECKPOINT, Origin, Preset, Report, Run, RunFolder, generations, split
from flux.training.metrics import METRICS, Metrics, read_metrics
from flux.training.plot import PICTURE, plot_losses

PRESET = Preset(8, 2, 1, 12, 6, 1, 10, 1e-3)


def rows(path: Path) -> list[int]:
    return [row["step"] for row in read_metrics(path / METRICS)]


def test_metrics_are_appended_and_taken_back_to_the_step_of_the_checkpoint(tmp_path: Path) -> None:
    first = Metrics(tmp_path, 0)
    for step in (10, 20, 30):
        first.add({"step": step, "loss": 1 / step, "norm": float("nan")})
    with (tmp_path / METRICS).open("a") as file:
        file.write('{"step": 40, "lo')
    assert rows(tmp_path) == [10, 20, 30]
    second = Metrics(tmp_path, 20)
    assert rows(tmp_path) == [10, 20]
    second.add({"step": 25})
    assert rows(tmp_path) == [10, 20, 25]
    lines = (tmp_path / METRICS).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [10, 20, 25]
    assert json.loads(lines[0])["norm"] is None


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\n", b"[1]\nnull\n3\n{}\n", b"[" * 100_000, b'{"step": "1"}\n']
)
def test_metrics_of_another_making_are_left_out(content: bytes, tmp_path: Path) -> None:
    (tmp_path / METRICS).write_bytes(content)
    assert rows(tmp_path) == []
    Metrics(tmp_path, 5).add({"step": 1})
    assert rows(tmp_path) == [1]


@pytest.fixture
def run() -> Run:
    return Run(Origin(PRESET), split("abc" * 40, "letters", PRESET.context))


def folder_of(run: Run, path: Path) -> tuple[RunFolder, list[str]]:
    told: list[str] = []
    return RunFolder(path, run, told.append), told


REPORT = Report(3, 10, 1.5, 1.25, 10.0, 0.7)


def test_the_configuration_is_saved_before_the_run_begins(run: Run, tmp_path: Path) -> None:
    folder_of(run, tmp_path)
    text = (tmp_path / "config.toml").read_text()
    assert "width = 8\n" in text
    assert "optimizer = " in text


def _full(*_: object, **__: object) -> Any:
    raise OSError(28, "No space left on device")


def test_a_full_disk_ends_no_training(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, told = folder_of(run, tmp_path)
    kept.save()
    run.trainer.run(3)
    before = (tmp_path / CHECKPOINT).read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", _full)
        patched.setattr(Path, "open", _full)
        for _ in range(2):
            kept.save_on_the_way()
            kept.improved()
            kept.report(REPORT)
            kept.sample()
        with pytest.raises(DataError, match="No space left"):
            kept.save()
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert sum("training goes on" in remark for remark in told) == 2
    assert sum(METRICS in remark for remark in told) == 1
    kept.save()
    assert generations.load_newest(tmp_path)[0].about["step"] == 3


def test_a_folder_that_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    with pytest.raises(DataError, match="cannot write to"):
        folder_of(run, tmp_path)


def test_the_curve_is_drawn_where_matplotlib_is(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows: list[dict[str, Any]] = [
        {"step": 1, "loss": 2.0, "validation": None},
        {"step": 2, "loss": 1.5, "validation": 1.7},
        {"step": 3, "loss": None},
    ]
    assert plot_losses(rows, tmp_path / PICTURE) == ""
    assert (tmp_path / PICTURE).read_bytes().startswith(b"\x89PNG")
    assert plot_losses([], tmp_path / PICTURE) == ""
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot write"):
        plot_losses(rows, tmp_path / "file" / PICTURE)


def test_without_matplotlib_one_line_says_so(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    kept, told = folder_of(run, tmp_path)
    kept.plot()
    kept.plot()
    assert len(told) == 1
    assert "fluxparser[plot]" in told[0]
    assert not (tmp_path / PICTURE).exists()
