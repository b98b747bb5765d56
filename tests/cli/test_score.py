"""`flux score`: files in and out, what is printed, and what is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import flux
from flux.cli.entry import run

TABLE = "id,sex,age,scr\np1,F,70,0.8\np2,M,,1.1\np3,M,150,4\n"
EGFR = 'egfr = egfr_ckd_epi_2021(scr, age, sex == "F")'


@pytest.fixture
def table(tmp_path: Path) -> str:
    (tmp_path / "people.csv").write_text(TABLE)
    return str(tmp_path / "people.csv")


def test_scores_stand_beside_the_columns(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    assert run(["score", EGFR, table, "-o", str(out)]) == 0
    found = pd.read_csv(out)
    assert list(found.columns) == ["id", "sex", "age", "scr", "egfr"]
    assert found["egfr"][0] == pytest.approx(79.21510262436031, rel=1e-14)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.split("\n") == [
        "3 rows",
        "age: 1 missing, the first in row 2",
        "age: 1 outside 18 to 120, the first in row 3",
        "sex: 'M' 2, 'F' 1",
        "egfr: 2 of 3 rows have a value",
        "",
    ]


def test_options(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "risk.flux"
    file.write_text("half(x) = x/2\n_k = half(age)\na = _k + 1\nb = _k - 1\n")
    arguments = ["score", str(file), table, "--keep", "id, sex", "--only", "b", "--flag", "odd"]
    assert run([*arguments, "--range", "age=18..110", "--jobs", "2"]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "id,sex,b,odd",
        "p1,F,34,false",
        "p2,M,nan,false",
        "p3,M,74,true",
        "",
    ]
    assert (
        run(["score", "y = age", table, "--keep", "none", "-o", str(tmp_path / "o.parquet")]) == 0
    )
    assert pd.read_parquet(tmp_path / "o.parquet").columns.tolist() == ["y"]


def test_json(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", EGFR, table, "-o", str(tmp_path / "o.csv"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["result"] == 3
    assert answer["missing"] == {"scr": [0, -1], "age": [1, 1], "sex": [0, -1]}
    assert answer["outside"]["age"] == [1, 2]
    assert run(["score", EGFR, "--explain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["columns"] == ["scr", "age", "sex"]


def test_a_library_formula_and_what_it_reads(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["score", "bmi", "--explain"]) == 0
    shown = capsys.readouterr().out.split("\n")
    assert shown[0] == "reads weight, height"
    assert "writes bmi, from weight, height" in shown


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["y = agee", "TABLE"], 1, "did you mean `age`?"),
        (["y = id", "TABLE"], 1, "row 1, column `id`: the text 'p1' is no number"),
        (["y = age", "TABLE", "--missing", "raise"], 1, "row 2, column `age`: there is no value"),
        (["y = age +", "TABLE"], 1, "syntax error"),
        (["y = age", "TABLE", "-o", "x.xlsx"], 1, "in which format"),
        (["y = age", "TABLE", "--keep", "nothing"], 1, "no column `nothing`"),
        (["y = age", "TABLE", "--range", "age=1"], 1, "age=18..110"),
        (["y = age", "absent.csv"], 1, "cannot read 'absent.csv'"),
        (["absent.flux", "TABLE"], 1, "cannot read 'absent.flux'"),
        (["y = age"], 2, "say which TABLE"),
        (["y = age", "TABLE", "--json"], 2, "--json needs an output file"),
        (["y = age", "TABLE", "--jobs", "0"], 2, "--jobs"),
        (["y = age", "TABLE", "--resume"], 1, "cannot be resumed"),
    ],
)
def test_mistakes(
    arguments: list[str],
    code: int,
    message: str,
    table: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [table if argument == "TABLE" else argument for argument in arguments]
    assert run(["score", *given]) == code
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_the_command_and_the_function_agree(table: str, tmp_path: Path) -> None:
    out = tmp_path / "o.parquet"
    assert run(["score", EGFR, table, "-o", str(out)]) == 0
    frame = pd.read_csv(table)
    found = pd.read_parquet(out)["egfr"]
    pd.testing.assert_series_equal(found, flux.score(frame, EGFR)["egfr"])


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's here")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_and_the_same_command_goes_on(
    number: signal.Signals, code: int, tmp_path: Path
) -> None:
    lines = "".join(f"{i},{i % 97}\n" for i in range(2_000_000))
    (tmp_path / "t.csv").write_text("a,b\n" + lines)
    out = tmp_path / "o.csv"
    arguments = ["score", "y = sqrt(a) + exp(-b)", str(tmp_path / "t.csv"), "-o", str(out)]
    command = [sys.executable, "-m", "flux", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as job:
        part = tmp_path / "o.csv.journal"
        while job.poll() is None and not (part.exists() and "position" in part.read_text()):
            time.sleep(0.002)
        job.send_signal(number)
        assert job.stderr is not None
        shown = job.stderr.read()
    assert job.returncode == code
    assert "the same command with --resume goes on" in shown
    assert not out.exists()
    assert run([*arguments, "--resume"]) == 0
    whole = tmp_path / "whole.csv"
    assert run([*arguments[:-1], str(whole)]) == 0
    assert out.read_bytes() == whole.read_bytes()
    assert len(list(tmp_path.iterdir())) == 3
