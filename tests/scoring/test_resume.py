"""Runs that are killed, stopped or out of disk: the same bytes in the end, or what was there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux
from flux.errors import DataError
from flux.scoring.files import score_file
from tests.scoring.made import ROWS, TEXT, frame, names, read, written

# Kills.

SLOW = """
import sys, time
import flux
from flux.scoring.files import score_file
def watch(progress):
    print(progress.rows, flush=True)
    time.sleep(0.01)
score_file(flux.scorer(sys.argv[1], keep=None), sys.argv[2], sys.argv[3], block=int(sys.argv[4]),
           resume=True, jobs=int(sys.argv[5]), watch=watch)
"""


def killed(arguments: list[str], rounds: int) -> int:
    """Run and kill, again and again; in how many rounds a kill came before the end."""
    kills = 0
    for turn in range(rounds):
        process = subprocess.Popen([sys.executable, "-c", SLOW, *arguments], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(2 + turn % 3):
            process.stdout.readline()
        time.sleep(0.003 * turn)
        process.kill()
        process.stdout.close()
        process.wait()
        kills += not Path(arguments[2]).exists()
    return kills


@pytest.mark.parametrize(("table", "block"), [("t.csv", 2000), ("t.parquet", 60)])
@pytest.mark.parametrize("out", ["o.parquet", "o.csv.gz"])
def test_a_run_that_is_killed_continues_to_the_same_bytes(
    table: str, block: int, out: str, tmp_path: Path
) -> None:
    source = written(tmp_path / table, frame())
    whole = tmp_path / f"whole-{out}"
    score_file(flux.scorer(TEXT, keep=None), str(source), str(whole), block=block)
    path = tmp_path / out
    arguments = [TEXT, str(source), str(path), str(block), "2"]
    kills = killed(arguments, 2)
    assert kills == 2
    assert (tmp_path / f"{out}.journal").exists() or path.exists()
    report = score_file(
        flux.scorer(TEXT, keep=None), str(source), str(path), block=block, resume=True
    )
    assert path.read_bytes() == whole.read_bytes()
    assert report.rows == ROWS
    assert report.missing["a"].count == 20
    assert names(tmp_path) == sorted([table, out, whole.name])


class StopError(Exception):
    """Raised in the middle of a run."""


def stopped(scorer: flux.Scorer, source: Path, out: Path, rows: int) -> None:
    """A run that is left after so many rows."""

    def watch(progress: Any) -> None:
        if progress.rows >= rows:
            raise StopError

    with pytest.raises(StopError):
        score_file(scorer, str(source), str(out), block=2000, watch=watch)


@pytest.fixture
def half(tmp_path: Path) -> tuple[flux.Scorer, Path, Path]:
    scorer = flux.scorer(TEXT)
    source = written(tmp_path / "t.csv", frame())
    stopped(scorer, source, tmp_path / "o.csv", 500)
    return scorer, source, tmp_path / "o.csv"


Half = tuple[flux.Scorer, Path, Path]


def test_a_stopped_run_leaves_no_output(half: Half) -> None:
    _, _, out = half
    assert not out.exists()
    assert out.with_name("o.csv.part").exists()


def test_another_run_is_not_continued(half: Half) -> None:
    scorer, source, out = half
    with pytest.raises(DataError, match="another one"):
        score_file(flux.scorer("y = 3*a"), str(source), str(out), block=2000, resume=True)
    with pytest.raises(DataError, match="another one"):
        score_file(scorer, str(source), str(out), block=3000, resume=True)
    os.utime(source, (1, 1))
    with pytest.raises(DataError, match="another one"):
        score_file(scorer, str(source), str(out), block=2000, resume=True)
    score_file(scorer, str(source), str(out), block=2000)
    assert len(read(out)) == ROWS


@pytest.mark.parametrize(
    "damage", ["part", "journal", "cut part", "cut journal", "no journal", "empty journal"]
)
def test_what_was_damaged_is_done_again(half: Half, damage: str) -> None:
    scorer, source, out = half
    name = ".part" if "part" in damage else ".journal"
    path = out.with_name(out.name + name)
    content = bytearray(path.read_bytes())
    if damage == "no journal":
        path.unlink()
    elif damage == "empty journal":
        path.write_bytes(content[:100])
    elif damage.startswith("cut"):
        path.write_bytes(content[: len(content) - 7])
    elif damage == "part":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    else:
        lines = content.split(b"\n")
        path.write_bytes(b"\n".join([*lines[:4], b"{}", *lines[5:]])[:-9])
    score_file(scorer, str(source), str(out), block=2000, resume=True)
    np.testing.assert_array_equal(read(out)["y"], 2 * frame()["a"])
    assert names(out.parent) == ["o.csv", "t.csv"]


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX's here")
def test_a_link_stays_one(tmp_path: Path) -> None:
    source = written(tmp_path / "t.csv", frame())
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(Path("real") / "o.csv")
    score_file(flux.scorer(TEXT), str(source), str(link))
    assert link.is_symlink()
    assert len(read(tmp_path / "real" / "o.csv")) == ROWS
    assert names(tmp_path / "real") == ["o.csv"]


def test_resuming_what_never_began_begins(tmp_path: Path) -> None:
    source = written(tmp_path / "t.csv", frame())
    score_file(flux.scorer(TEXT), str(source), str(tmp_path / "o.csv"), resume=True)
    assert len(read(tmp_path / "o.csv")) == ROWS


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "t.csv", frame())
    out = tmp_path / "o.csv"
    out.write_text("before")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    if call == "write":
        monkeypatch.setattr("flux.scoring.files.journal.Journal._write", full)
    elif call == "fsync":
        monkeypatch.setattr("flux.scoring.files.journal.os.fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match="No space left"):
        score_file(flux.scorer(TEXT), str(source), str(out), block=2000)
    assert out.read_text() == "before"
    assert names(tmp_path) == ["o.csv", "t.csv"]
