"""`flux train` and `flux generate` as a user runs them, on a model of a few thousand parameters."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flux.cli.entry import run
from flux.cli.output import typed
from flux.training import CHECKPOINT, PRESETS, checkpoint, load_language_model, locked
from tests.reliability.bounds import PATIENCE_S

TEXT = "the cat sat on a mat, the dog on a log\n" * 60
SMALL = ["--preset", "tiny", "--width", "16", "--context", "16", "--batch", "4"]
SMALL += ["--learning-rate", "0.01"]
STEPS = 400


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text and a finished run."""
    made = tmp_path_factory.mktemp("train")
    (made / "text.txt").write_text(TEXT, encoding="utf-8")
    assert run(arguments(made, "whole")) == 0
    return made


def arguments(folder: Path, name: str, steps: int = STEPS) -> list[str]:
    data, out = str(folder / "text.txt"), str(folder / name)
    return ["train", *SMALL, "--data", data, "--out", out, "--steps", str(steps)]


def final(folder: Path, name: str) -> checkpoint.Checkpoint:
    return checkpoint.load(folder / name / CHECKPOINT)


def test_it_shows_progress_saves_samples_and_says_how_to_go_on(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments(folder, "shown", 50)) == 0
    shown = capfd.readouterr()
    assert "step 50/50" in shown.err
    for word in ("loss", "validation", "steps/s", "ETA"):
        assert word in shown.err
    assert "a sample:" in shown.out
    assert f"flux generate {folder / 'shown'}" in shown.out
    assert f"flux train --resume {folder / 'shown'} --steps 100" in shown.out
    assert final(folder, "shown").about["step"] == 50


def test_the_same_seed_gives_the_same_file(folder: Path) -> None:
    assert run(arguments(folder, "again")) == 0
    whole, again = (folder / name / CHECKPOINT for name in ("whole", "again"))
    assert whole.read_bytes() == again.read_bytes()


def test_a_trained_model_writes_what_it_has_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["generate", str(folder / "whole"), "--prompt", "the cat", "--line"]
    assert run([*words, "--greedy"]) == 0
    assert capsys.readouterr().out == TEXT.splitlines()[0] + "\n"
    outputs = []
    for seed in ("1", "1", "2"):
        assert run([*words[:-1], "--temperature", "1.5", "--length", "40", "--seed", seed]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] != outputs[2]
    assert run([*words[:3], "~", "--line"]) == 1
    assert "does not know the character '~'" in capsys.readouterr().err


def _train(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "from flux.cli import main; main()", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's here")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_goes_on_to_the_same_bits(
    folder: Path, number: signal.Signals, code: int
) -> None:
    name = f"stopped-{code}"
    saved = folder / name / CHECKPOINT
    with _train(folder, *arguments(folder, name), "--save-every", "20") as job:
        while not saved.exists() and job.poll() is None:
            time.sleep(0.002)
        job.send_signal(number)
        out, err = job.communicate(timeout=PATIENCE_S)
    assert job.returncode == code, err
    step = final(folder, name).about["step"]
    assert 20 <= step < STEPS
    assert f"saved at step {step}; to go on: flux train --resume {folder / name}" in out
    assert run(["train", "--resume", str(folder / name)]) == 0
    _assert_same(final(folder, name), final(folder, "whole"))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this platform")
def test_a_killed_run_leaves_a_checkpoint_that_goes_on_to_the_same_bits(folder: Path) -> None:
    saved = folder / "killed" / CHECKPOINT
    with _train(folder, *arguments(folder, "killed"), "--save-every", "5") as job:
        while not saved.exists() and job.poll() is None:
            time.sleep(0.002)
        job.kill()
    assert final(folder, "killed").about["step"] < STEPS
    load_language_model(folder / "killed")
    assert run(["train", "--resume", str(folder / "killed")]) == 0
    _assert_same(final(folder, "killed"), final(folder, "whole"))


def _assert_same(a: checkpoint.Checkpoint, b: checkpoint.Checkpoint) -> None:
    assert a.about["step"] == b.about["step"] == STEPS
    assert a.arrays.keys() == b.arrays.keys()
    for name, array in a.arrays.items():
        np.testing.assert_array_equal(array, b.arrays[name])


@pytest.mark.skipif(os.name != "posix", reason="folders are locked on POSIX only")
def test_a_second_trainer_in_one_folder_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "whole" / CHECKPOINT).read_bytes()
    with locked(folder / "whole"):
        assert run(["train", "--resume", str(folder / "whole"), "--steps", "500"]) == 1
    assert "another process trains in" in capsys.readouterr().err
    assert (folder / "whole" / CHECKPOINT).read_bytes() == before


def test_a_model_that_the_machine_cannot_hold_is_refused_before_it_is_made(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "long.txt").write_text("ab" * 30_000, encoding="utf-8")
    huge = ["--context", "20000", "--heads", "4", "--width", "16", "--batch", "8"]
    assert run(["train", "--data", str(folder / "long.txt"), *huge]) == 1
    assert "GiB of memory; the machine has" in capsys.readouterr().err


def test_a_new_run_overwrites_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "whole" / CHECKPOINT).read_bytes()
    assert run(arguments(folder, "whole", 5)) == 1
    assert "holds a run already" in capsys.readouterr().err
    assert (folder / "whole" / CHECKPOINT).read_bytes() == before


def test_a_run_does_not_go_on_with_another_text(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments(folder, "changed", 5)) == 0
    try:
        (folder / "text.txt").write_text(TEXT.replace("cat", "act"), encoding="utf-8")
        assert run(["train", "--resume", str(folder / "changed"), "--steps", "9"]) == 1
    finally:
        (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    assert "the data are not those that this run began with (text.txt)" in capsys.readouterr().err


def test_other_kernels_are_remarked_on(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(arguments(folder, "kernels", 5)) == 0
    monkeypatch.setattr("flux.training.run.blas_kernels", lambda: "another BLAS")
    assert run(["train", "--resume", str(folder / "kernels"), "--steps", "9"]) == 0
    assert "now another BLAS" in capsys.readouterr().err


def test_a_run_goes_on_as_it_began(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--resume", str(folder / "whole"), "--width", "32"]) == 2
    assert "--width cannot be changed" in capsys.readouterr().err


def test_a_place_that_takes_no_run_is_refused_before_anything_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").write_text("no folder")
    for name in ("file", "file/run", "file/a/b"):
        assert run(["train", "--data", "nothing.txt", "--out", str(folder / name)]) == 1
        said = capsys.readouterr().err
        assert f"cannot write to '{folder / name}': '{folder / 'file'}' takes no files" in said


def test_a_second_run_takes_a_folder_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    words = ["train", *SMALL, "--data", "text.txt", "--steps", "3"]
    for name in ("tiny", "tiny-2", "tiny-3"):
        assert run(words) == 0
        assert (folder / "runs" / name / CHECKPOINT).exists()


@pytest.mark.parametrize(
    ("begun", "found", "words"),
    [
        ("/usr/bin/flux", "/usr/bin/flux", "flux"),
        (".venv/bin/flux", None, ".venv/bin/flux"),
        (".venv/bin/flux", "/usr/bin/flux", ".venv/bin/flux"),
        ("/x/flux/__main__.py", "/usr/bin/flux", "flux"),
        ("/x/flux/__main__.py", None, f"{Path(sys.executable).name} -m flux"),
        ("/usr/bin/pytest", None, "flux"),
    ],
)
def test_a_command_to_go_on_with_can_be_typed_as_it_stands(
    begun: str, found: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", [begun, "train"])
    monkeypatch.setattr("shutil.which", lambda _: found)
    assert typed("train", "--resume", "my run") == f"{words} train --resume 'my run'"


def test_a_new_run_speaks_of_one_before_it_that_was_stopped(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr("flux.training.run.Run.train", lambda self, steps, *_, **__: steps > 3)
    words = ["train", *SMALL, "--data", "text.txt", "--preset", "small", "--layers", "1"]
    with pytest.raises(SystemExit):
        run([*words, "--steps", "9"])
    assert run([*words, "--steps", "3"]) == 0
    said = "note: runs/small stopped at step 0 of 9; to go on with it instead: flux train --resume"
    assert f"{said} runs/small\n" in capsys.readouterr().err


def test_a_run_that_came_while_this_one_was_prepared_is_not_overwritten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = folder / "meanwhile"

    def slow(*_: object) -> float:
        prepared.mkdir()
        (prepared / CHECKPOINT).write_bytes(b"another's")
        return 0.0

    monkeypatch.setattr("flux.cli.train.begin.introduce", slow)
    assert run(arguments(folder, "meanwhile", 3)) == 1
    assert "holds a run already" in capsys.readouterr().err
    assert (prepared / CHECKPOINT).read_bytes() == b"another's"


def test_the_calculus_preset_marks_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = replace(PRESETS["calculus"], trees=400)
    monkeypatch.setitem(PRESETS, "calculus", few)
    words = ["--steps", "5", "--width", "16", "--feed-forward", "16", "--layers", "1"]
    assert run(["train", *words, "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().out
    assert "exact derivatives, of " in shown
    assert "copying the nearest neighbour" in shown
