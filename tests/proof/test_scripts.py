"""The scripts run, on models that are too small to prove anything."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from flux.training import PRESETS
from tests.proof import calculus, nanogpt

TINY = {"width": 8, "heads": 2, "layers": 1, "feed_forward": 12, "batch": 2, "steps": 4}


def started(module: object, words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """What a script exits with."""
    monkeypatch.setattr(sys, "argv", ["script", *words])
    with pytest.raises(SystemExit) as ended:
        module.main()  # type: ignore[attr-defined]
    return int(ended.value.code)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (nanogpt.PRESET, calculus.PRESET):
        small = {**TINY, "trees": 900} if name == calculus.PRESET else TINY
        monkeypatch.setitem(PRESETS, name, replace(PRESETS[name], **small))


@pytest.mark.usefixtures("tiny")
def test_nanogpt_tells_each_seed_and_the_mean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "text.txt").write_text("to be or not to be, that is the question\n" * 60)
    words = ["--data", str(tmp_path / "text.txt"), "--seeds", "2"]
    words += ["--plot", str(tmp_path / "plots" / "loss.svg")]
    assert started(nanogpt, words, monkeypatch) == 1  # nothing is learnt in four steps
    shown = capsys.readouterr().out.splitlines()
    losses = [float(line.split()[4]) for line in shown[:2]]
    assert [line.split()[:2] for line in shown[:2]] == [["seed", "0"], ["seed", "1"]]
    assert float(shown[2].split()[1]) == pytest.approx(sum(losses) / 2, abs=1e-4)
    assert (tmp_path / "plots" / "loss.svg").read_text().startswith("<svg")


@pytest.mark.usefixtures("tiny")
def test_calculus_trains_and_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--asked", "6", "--plot", str(tmp_path / "bars.svg")]
    assert started(calculus, words, monkeypatch) == 1
    shown = capsys.readouterr().out
    assert "trained and asked in" in shown
    assert "exact derivatives, of 6 held out: the model 0 (0%)" in shown
    assert "chain" in (tmp_path / "bars.svg").read_text()
