"""`flux generate`, `flux export` and `flux eval-model` as a user runs them."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from flux.cli.entry import run
from flux.training import CHECKPOINT

TEXT = "the cat sat on a mat, the dog on a log\n" * 60
TRAIN = ["train", "--preset", "tiny", "--width", "16", "--context", "16", "--batch", "4"]
TRAIN += ["--learning-rate", "0.01", "--steps", "400"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text, a finished run and its export."""
    made = tmp_path_factory.mktemp("generate")
    (made / "text.txt").write_text(TEXT, encoding="utf-8")
    assert run([*TRAIN, "--data", str(made / "text.txt"), "--out", str(made / "run")]) == 0
    assert run(["export", str(made / "run"), str(made / "out")]) == 0
    return made


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run(["generate", *words]) == 0
    return capsys.readouterr().out


def test_a_run_its_checkpoint_and_its_export_write_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = [folder / "run", folder / "run" / CHECKPOINT, folder / "out"]
    words = ["--prompt", "the", "--length", "60", "--temperature", "1.3", "--seed", "4"]
    texts = {answer(capsys, str(place), *words) for place in places}
    assert len(texts) == 1
    assert texts != {answer(capsys, str(folder / "run"), *words[:-1], "5")}
    assert texts.pop().startswith("the")


OPTIONS = [
    (["--greedy", "--line"], "the cat sat on a mat, the dog on a log\n"),
    (["--greedy", "--stop", "mat"], "the cat sat on a \n"),
    (["--greedy", "--stop", "zzz", "--stop", "dog"], "the cat sat on a mat, the \n"),
    (["--temperature", "0", "--length", "4"], "the cat\n"),
    (["--top-k", "1", "--length", "4"], "the cat\n"),
    (["--top-p", "0.01", "--length", "4"], "the cat\n"),
    (["--min-p", "1", "--length", "4"], "the cat\n"),
]


@pytest.mark.parametrize(("words", "text"), OPTIONS, ids=str)
def test_options(
    folder: Path, words: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(capsys, str(folder / "out"), "--prompt", "the", *words) == text


def test_a_penalty_for_repetition_changes_the_text(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(folder / "out"), "--prompt", "the", "--greedy", "--length", "30"]
    assert answer(capsys, *words) != answer(capsys, *words, "--repetition", "3")


def test_prompts_are_asked_for_one_after_another(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("the cat\n~\nthe dog"))
    capsys.readouterr()
    assert run(["generate", str(folder / "run"), "--interactive", "--greedy", "--line"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [TEXT.splitlines()[0], "the dog on a log"]
    assert "does not know the character '~'" in shown.err


MISTAKES = [
    (["--prompt", ""], 2, "the prompt is empty"),
    (["--prompt", "the ~"], 1, "<prompt>:1:5: data error: the model does not know"),
    (["--stop", ""], 2, "empty --stop"),
    (["--prompt", "a", "--interactive"], 2, "leave --prompt out"),
    (["--top-p", "0"], 1, "the top-p is 0.0; it must be above 0"),
    (["--min-p", "2"], 1, "the min-p is 2.0"),
    (["--repetition", "-1"], 1, "the repetition is -1.0"),
    (["--temperature", "nan"], 1, "the temperature is nan"),
    (["--top-k", "-3"], 1, "the top-k is -3"),
    (["--length", "0"], 2, "--length"),
]


@pytest.mark.parametrize(("words", "code", "message"), MISTAKES, ids=str)
def test_mistakes_are_named(
    folder: Path, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["generate", str(folder / "run"), *words]) == code
    shown = capsys.readouterr()
    assert message in shown.err.replace("\n", " ")
    assert shown.out == ""


@pytest.mark.parametrize("command", ["generate", "export", "eval-model"])
def test_a_folder_without_a_model_is_an_error(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = {"export": [str(tmp_path / "x")], "eval-model": ["--data", "x.txt"]}.get(command, [])
    assert run([command, str(tmp_path), *rest]) == 1
    assert "no run in" in capsys.readouterr().err


def test_the_loss_of_a_file_is_the_same_for_a_run_and_its_export(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = []
    for name in ("run", "out"):
        words = ["eval-model", str(folder / name), "--data", str(folder / "text.txt")]
        assert run(words) == 0
        shown.append(capsys.readouterr().out.splitlines())
    assert shown[0][:3] == shown[1][:3]
    loss, perplexity, bits = (
        float(line.split()[-4 if n == 0 else -1]) for n, line in enumerate(shown[0][:3])
    )
    assert 0 < loss < 0.5
    assert perplexity == pytest.approx(2.718281828459045**loss, rel=1e-5)
    assert bits == pytest.approx(loss / 0.6931471805599453, rel=1e-5)
    assert shown[0][3].split()[1] == f"{len(TEXT) - 1:,},"


def test_a_file_with_unknown_characters_is_refused_with_the_place(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "new.txt").write_text("the cat\nthe Cat\n", encoding="utf-8")
    capsys.readouterr()
    assert run(["eval-model", str(folder / "run"), "--data", str(tmp_path / "new.txt")]) == 1
    assert "new.txt:2:5" in capsys.readouterr().err


def test_an_export_does_not_overwrite(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(folder / "run"), str(folder / "out")]) == 1
    assert "is not empty" in capsys.readouterr().err
