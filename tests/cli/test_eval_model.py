"""`flux eval-model` on runs that learnt calculus; tests/cli/test_generate.py has those of texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from flux.cli.entry import run
from flux.training.rules import RULES

TINY = ["--steps", "5", "--width", "16", "--feed-forward", "16", "--layers", "1", "--batch", "2"]
TINY += ["--set", "trees=600"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has seen calculus, and one that has seen a text."""
    made = tmp_path_factory.mktemp("runs")
    (made / "text.txt").write_text("one fish two fish\n" * 40, encoding="utf-8")
    data = ["--preset", "tiny", "--data", str(made / "text.txt")]
    assert run(["train", *TINY, "--out", str(made / "calculus")]) == 0
    assert run(["train", *data, *TINY, "--out", str(made / "text")]) == 0
    return made


def test_a_run_that_learnt_calculus_is_asked_for_derivatives(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["eval-model", str(folder / "calculus"), "--asked", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("exact derivatives, of 5 held out: the model ")
    assert lines[1].split() == ["asked", "right", "wrong", "share", "copied"]
    names = [line[:16].strip() for line in lines[2:]]
    assert names[-1] == "all"
    assert set(names[:-1]) <= {*RULES, *(f"{n} nodes" for n in range(3, 10))}
    for line in lines[2:]:
        asked, right, wrong = map(int, line[16:].split()[:3])
        assert asked == right + wrong


def test_other_lines_than_it_learnt_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux.training.corpus._HELD_OUT_OF", 8)
    assert run(["eval-model", str(folder / "calculus")]) == 1
    shown = capsys.readouterr().err
    assert "this run learnt other lines of calculus than are made now" in shown


def test_a_run_that_learnt_a_text_needs_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["eval-model", str(folder / "text")]) == 1
    shown = capsys.readouterr().err
    assert "learnt from a text of its own" in shown
    assert "--data FILE" in shown


def test_a_text_has_no_derivatives_to_ask_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", str(folder / "text.txt"), "--asked", "3"]
    assert run(["eval-model", str(folder / "text"), *words]) == 2
    assert "--asked is for derivatives" in capsys.readouterr().err
