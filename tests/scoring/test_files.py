"""Scoring files: every format in and out, hostile files, memory, jobs, kills."""

from __future__ import annotations

import csv
import gzip
import math
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, DataError, FluxError, UnknownNameError
from flux.scoring.files import score_file, text_rows
from flux.scoring.files.thrift import Reader, write_struct

TEXT = 'y = 2*a\nwoman = where(sex == "F", 1, 0)'
ROWS = 1000


def frame(rows: int = ROWS) -> pd.DataFrame:
    random = np.random.default_rng(0)
    a = random.normal(size=rows).round(3)
    a[::50] = np.nan
    names = ["plain", "with, comma", 'with "quotes"', "two\nlines", "ä", ""]
    return pd.DataFrame(
        {
            "name": [names[i % len(names)] for i in range(rows)],
            "sex": random.choice(["F", "M"], rows),
            "a": a,
            "n": np.arange(rows),
        }
    )


def written(path: Path, table: pd.DataFrame) -> Path:
    """A table as a file of the kind that its name asks for."""
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pandas(table), path, row_group_size=300)
    else:
        between = "\t" if ".tsv" in path.name else ","
        table.to_csv(path, index=False, sep=between)
    return path


def read(path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        return pd.read_parquet(path)
    between = "\t" if ".tsv" in path.name else ","
    return pd.read_csv(path, sep=between, keep_default_na=False, na_values=["nan"])


def names(folder: Path) -> list[str]:
    """What stands in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=[True, False], ids=["pyarrow", "csv"])
def arrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Text with pyarrow, and as where it is not installed."""
    if not request.param:
        monkeypatch.setattr("flux.scoring.files.text_rows.has_pyarrow", lambda: False)
        monkeypatch.setattr("flux.scoring.files.output.has_pyarrow", lambda: False)
    found: bool = request.param
    return found


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("out", ["o.csv", "o.tsv", "o.csv.gz", "o.parquet"])
@pytest.mark.parametrize("table", ["t.csv", "t.tsv.gz", "t.parquet"])
def test_every_format_in_and_out(
    table: str, out: str, jobs: int, arrow: bool, tmp_path: Path
) -> None:
    given = frame()
    source = written(tmp_path / table, given)
    block = 256 if table == "t.parquet" else 3000
    scorer = flux.scorer(TEXT, keep=None)
    report = score_file(scorer, str(source), str(tmp_path / out), jobs=jobs, block=block)
    found = read(tmp_path / out)
    assert list(found.columns) == ["name", "sex", "a", "n", "y", "woman"]
    assert found["name"].tolist() == given["name"].tolist()
    assert found["n"].astype(float).tolist() == given["n"].tolist()
    np.testing.assert_array_equal(found["y"], 2 * given["a"])
    np.testing.assert_array_equal(found["woman"], given["sex"] == "F")
    assert (report.rows, report.missing["a"].count, report.missing["a"].first) == (ROWS, 20, 0)
    assert names(tmp_path) == sorted([table, out])


def test_bytes_do_not_depend_on_jobs(tmp_path: Path) -> None:
    for table, block in (("t.csv", 2000), ("t.parquet", 100)):
        source = written(tmp_path / table, frame())
        for out in ("o.csv", "o.parquet", "o.csv.gz"):
            contents = set()
            for jobs in (1, 2, 5):
                score_file(flux.scorer(TEXT, keep=None), str(source), str(tmp_path / out),
                           jobs=jobs, block=block)  # fmt: skip
                contents.add((tmp_path / out).read_bytes())
            assert len(contents) == 1


def test_parquet_is_read_by_others(tmp_path: Path) -> None:
    source = written(tmp_path / "t.csv", frame())
    out = tmp_path / "o.parquet"
    score_file(flux.scorer(TEXT, keep=None), str(source), str(out), block=4000)
    metadata = pq.ParquetFile(out).metadata
    assert metadata.num_rows == ROWS
    assert metadata.num_row_groups > 3
    polars = pl.read_parquet(out)
    assert polars.equals(pl.from_arrow(pq.read_table(out)))
    pq.ParquetFile(out, page_checksum_verification=True).read()
    assert polars.filter(pl.col("n") == "701")["y"][0] == pytest.approx(
        2 * frame()["a"][701], nan_ok=True
    )


def test_a_footer_is_written_as_it_was_read(tmp_path: Path) -> None:
    table = pa.table({"a": [1.0, None], "b": ["x", "y"], "c": [[1], []], "d": [True, None]})
    pq.write_table(table, tmp_path / "t.parquet", write_page_index=True)
    content = (tmp_path / "t.parquet").read_bytes()
    footer = content[-8 - int.from_bytes(content[-8:-4], "little") : -8]
    assert write_struct(Reader(footer).struct()) == footer
    for cut in range(0, len(footer) - 1, 7):
        with pytest.raises(ValueError, match="cut off"):
            Reader(footer[:cut]).struct()


def test_kept_columns_stand_as_in_the_file(arrow: bool, tmp_path: Path) -> None:
    rows = ["id,a,b", "007,1.50,x", '"8, 9",+2e0, y ', "010,NA,", '"q""q",.5,"two\nlines"']
    (tmp_path / "t.csv").write_text("\n".join(rows) + "\n")
    score_file(flux.scorer("y = 2*a", keep=None), str(tmp_path / "t.csv"), str(tmp_path / "o.csv"))
    with (tmp_path / "o.csv").open(newline="") as file:
        found = list(csv.reader(file))
    assert found == [
        ["id", "a", "b", "y"],
        ["007", "1.50", "x", "3"],
        ["8, 9", "+2e0", " y ", "4"],
        ["010", "NA", "", "nan"],
        ['q"q', ".5", "two\nlines", "1"],
    ]


# Hostile files.


def scored(path: Path, content: bytes, text: str = "y = a", **options: Any) -> list[float]:
    """The score `y` of a file with these bytes."""
    path.write_bytes(content)
    out = path.with_name("out.csv")
    score_file(flux.scorer(text, **options), str(path), str(out))
    found = pd.read_csv(out)
    return [] if found.empty else found["y"].tolist()


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"a\n1\n2\n", [1, 2]),
        (b"a\n1\n2", [1, 2]),
        (b"\xef\xbb\xbfa\n1\n", [1]),
        (b"a\r\n1\r\n2\r\n", [1, 2]),
        (b"a\r1\r2\r", [1, 2]),
        (b"a,b\n1,x\r\n2,y\n3,z\r\n", [1, 2, 3]),
        (b"\n\na\n1\n\n\n2\n", [1, 2]),
        (b"a\n", []),
        (b"a,b", []),
        (b"a;b\n1;2\n", [1]),
        (b"b\ta\n1\t2\n", [2]),
        (b'a,b\n1,"x\ny"\n2,"a ""b"""\n', [1, 2]),
        (b'"a"\n"1"\n" 2 "\n', [1, 2]),
        (b" a , b\n 1 ,2\n", [1]),
        (b"a\n1e3\n-inf\ninf\n+.5\nTRUE\nfalse\n", [1000, -math.inf, math.inf, 0.5, 1, 0]),
        (b"a\n0.1\n9007199254740993\n1e400\n5e-324\n", [0.1, 2.0**53, math.inf, 5e-324]),
        (b"a,b\n1,\xff\n2,y\n", [1, 2]),
        (b"a,b,b\n1,2,3\n", [1]),
        (b'a,b\n1,5" tall\n2,x\n', [1, 2]),
    ],
)
def test_unusual_files_give_the_right_values(
    content: bytes, values: list[float], arrow: bool, tmp_path: Path
) -> None:
    assert scored(tmp_path / "t.txt", content) == values
    assert scored(tmp_path / "t.txt", gzip.compress(content)) == values


@pytest.mark.parametrize("word", ["", "NA", "nan", "NaN", "null", "None", ".", " NA "])
def test_words_that_say_that_there_is_nothing(word: str, arrow: bool, tmp_path: Path) -> None:
    content = f"a,sex\n{word},F\n1,{word}\n2,F\n".encode()
    found = scored(tmp_path / "t.csv", content, 'y = where(sex == "F", a, 9)')
    assert found == pytest.approx([math.nan, math.nan, 2], nan_ok=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\n1\nx\n", "row 2, column `a`: the text 'x' is no number"),
        (b"a\n1,5\n", "row 1 has 2 cells, and there are 1 columns"),
        (b"a,b\n1,2\n3\n", "row 2 has 1 cells, and there are 2 columns"),
        (b"a,b\n1,2\n3,4,5\n", "row 2 has 3 cells"),
        (b"a\n0x10\n", "row 1, column `a`: the text '0x10' is no number"),
        (b"a\n1_000\n", "row 1, column `a`: the text '1_000' is no number"),
        ("a\n\uff11\n".encode(), "row 1, column `a`: the text"),
        (b"a\n1\n\xff\n", "row 2, column `a`: the cell is not written in UTF-8"),
        (b"a,a\n1,2\n", "columns 1 and 2 are both named `a`"),
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\xff\xfea\0\n\0", "UTF-16"),
        (b"a\0b\n1\n", "is no text"),
        (b'a,b\n1,"x\n2,y\n', "row 1"),
        (b"PAR1", "no column `a`"),
    ],
)
def test_bad_files_are_refused_with_their_place(
    content: bytes, message: str, arrow: bool, tmp_path: Path
) -> None:
    with pytest.raises(FluxError) as caught:
        scored(tmp_path / "t.csv", content)
    assert message in caught.value.text
    assert not [file for file in names(tmp_path) if file != "t.csv"]


def test_a_row_far_down_is_numbered_from_the_top(tmp_path: Path) -> None:
    lines = ["a,b"] + [f"{i},x" for i in range(20_000)]
    lines[15_000] = "oops,x"
    (tmp_path / "t.csv").write_text("\n".join(lines))
    for jobs in (1, 4):
        with pytest.raises(DataError, match="row 15,000, column `a`: the text 'oops'"):
            score_file(flux.scorer("y = a"), str(tmp_path / "t.csv"), str(tmp_path / "o.csv"),
                       jobs=jobs, block=4096)  # fmt: skip


def test_a_quote_that_is_not_closed_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux.scoring.files.text_input.MOST_BYTES", 1 << 16)
    monkeypatch.setattr("flux.scoring.files.run.BLOCK_BYTES", 1 << 12)
    (tmp_path / "t.csv").write_text('a,b\n1,"x\n' + "2,y\n" * 50_000)
    with pytest.raises(DataError, match="no row ends within") as caught:
        score_file(
            flux.scorer("y = a"), str(tmp_path / "t.csv"), str(tmp_path / "o.csv"), block=4096
        )
    assert "quote" in caught.value.hint


@pytest.mark.parametrize("cut", [1, 20, -9, -1])
def test_damaged_files_are_refused(cut: int, tmp_path: Path) -> None:
    for name in ("t.parquet", "t.csv.gz"):
        source = written(tmp_path / name, frame())
        source.write_bytes(source.read_bytes()[:cut])
        with pytest.raises(FluxError):
            score_file(flux.scorer("y = a"), str(source), str(tmp_path / "o.csv"))
        assert not (tmp_path / "o.csv").exists()


def test_paths_that_cannot_be_used(tmp_path: Path) -> None:
    scorer = flux.scorer("y = a")
    source = written(tmp_path / "t.csv", frame())
    for table, out, kind in (
        (tmp_path / "absent.csv", "o.csv", DataError),
        (tmp_path / "absent.parquet", "o.csv", DataError),
        (tmp_path, "o.csv", DataError),
        (source, "o.xlsx", ArgumentError),
        (source, "o", ArgumentError),
        (source, "t.csv", ArgumentError),
        (source, "t.csv/o.csv", DataError),
    ):
        with pytest.raises(kind):
            score_file(scorer, str(table), str(tmp_path / out))
    with pytest.raises(ArgumentError):
        score_file(scorer, str(source), str(tmp_path / "o.csv"), block=0)
    with pytest.raises(ArgumentError):
        score_file(scorer, str(source), str(tmp_path / "o.csv"), jobs=0)
    with pytest.raises(UnknownNameError, match="no column `aa`"):
        score_file(flux.scorer("y = aa"), str(source), str(tmp_path / "o.csv"))
    assert names(tmp_path) == ["t.csv"]


def test_an_output_that_was_there_stays_when_a_run_fails(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\nx\n")
    (tmp_path / "o.csv").write_text("before")
    with pytest.raises(DataError):
        score_file(flux.scorer("y = a"), str(tmp_path / "t.csv"), str(tmp_path / "o.csv"))
    assert (tmp_path / "o.csv").read_text() == "before"


def test_no_rows_at_all(tmp_path: Path) -> None:
    for table in ("t.csv", "t.parquet"):
        source = written(tmp_path / table, frame().iloc[:0].astype({"name": str, "sex": str}))
        for out in ("o.csv", "o.parquet", "o.csv.gz"):
            report = score_file(flux.scorer(TEXT, keep=None), str(source), str(tmp_path / out))
            assert report.rows == 0
            assert list(read(tmp_path / out).columns) == ["name", "sex", "a", "n", "y", "woman"]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["1", " 2.5", "NA", "", "x", '"3"', "-inf", "1e5", '"4\n"', "5 6"]),
            st.text('ab,"\n\r \t', max_size=4).map(lambda t: '"' + t.replace('"', '""') + '"'),
        ),
        max_size=8,
    ),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.integers(1, 40),
)
def test_pyarrow_and_csv_agree(
    rows: list[tuple[str, str]], end: str, block: int, tmp_path: Path
) -> None:
    content = end.join(["a,b", *(f"{a},{b}" for a, b in rows)]) + end
    (tmp_path / "t.csv").write_bytes(content.encode())
    scorer = flux.scorer('y = 2*a\nz = b == "a"', keep=["b"])
    answers = []
    for has in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(text_rows, "has_pyarrow", lambda has=has: has)
            try:
                score_file(scorer, str(tmp_path / "t.csv"), str(tmp_path / "o.csv"), block=block)
                answers.append((tmp_path / "o.csv").read_bytes())
            except FluxError as error:
                answers.append(error.text.encode())
    assert answers[0] == answers[1]


# Memory.

LONG = """
import sys, tracemalloc
import flux
from flux.scoring.files import score_file
scorer = flux.scorer("y = 2*a + b", keep=("a",))
score_file(scorer, sys.argv[1], sys.argv[3], jobs=2, block=1 << 16)
def peak():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
before = peak()
score_file(scorer, sys.argv[2], sys.argv[3], jobs=2, block=1 << 16)
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("out", ["o.csv", "o.parquet"])
def test_memory_does_not_grow_with_the_file(out: str, tmp_path: Path) -> None:
    row = "1.25,3.5,some text that nobody reads at all\n"
    (tmp_path / "small.csv").write_text("a,b,c\n" + row * 20_000)
    (tmp_path / "large.csv").write_text("a,b,c\n" + row * 1_000_000)  # 43 MB
    paths = [str(tmp_path / name) for name in ("small.csv", "large.csv", out)]
    run = subprocess.run(
        [sys.executable, "-c", LONG, *paths], capture_output=True, text=True, check=True
    )
    assert int(run.stdout) < 24


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
    kills = killed(arguments, 3)
    assert kills >= 2
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


@pytest.mark.parametrize("damage", ["part", "journal", "cut part", "cut journal", "no journal"])
def test_what_was_damaged_is_done_again(half: Half, damage: str) -> None:
    scorer, source, out = half
    name = ".part" if "part" in damage else ".journal"
    path = out.with_name(out.name + name)
    content = bytearray(path.read_bytes())
    if damage == "no journal":
        path.unlink()
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
