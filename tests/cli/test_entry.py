from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flux.cli.commands import COMMANDS
from flux.cli.entry import run


def flux(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from flux.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_wrong_usage_is_exit_code_2_with_the_nearest_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["trian"]) == 2
    assert "did you mean `train`?" in capsys.readouterr().err


def test_help_lists_every_command_without_importing_any() -> None:
    code = (
        "import sys; from flux.cli.entry import run; run(['--help']);"
        "print([m for m in sys.modules if m in ('numpy', 'scipy', 'sympy', 'rich')])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *shown, imported = found.stdout.splitlines()
    assert imported == "[]"
    for name, (_, line) in COMMANDS.items():
        assert any(name in text and line in text for text in shown)


def test_no_traceback_when_the_reader_leaves() -> None:
    command = f"{sys.executable} -c 'from flux.cli import main; main()' doctor | true"
    found = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert found.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize("command", ["eval 1+1", "plot x x=0..1", "eval 1+1 --json", "--help"])
def test_an_answer_that_cannot_be_written_is_an_error(command: str) -> None:
    line = f"{sys.executable} -c 'from flux.cli import main; main()' {command} > /dev/full"
    found = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "cannot write the answer: No space left on device" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_kernels_are_chosen_before_numpy_loads_and_reported() -> None:
    found = flux("doctor", OPENBLAS_CORETYPE="Haswell")
    assert found.returncode == 0, found.stderr
    rows = dict(line.split(None, 1) for line in found.stdout.splitlines() if line[:2] == "  ")
    assert rows["OPENBLAS_CORETYPE"] == "Haswell"
    assert "python" in rows
    assert "numpy" in rows
    assert int(rows["cores"].split()[0]) >= 1


def test_a_setting_that_is_no_number_is_explained() -> None:
    found = flux("eval", "1+1", FLUX_MAX_DEPTH="many")
    assert found.returncode == 1
    assert "setting FLUX_MAX_DEPTH must be a whole number, not 'many'" in found.stderr
    assert "Traceback" not in found.stderr
