"""Scoring files: every format in and out, the same bytes for any number of jobs; memory."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import flux
from flux.scoring.files import score_file
from flux.scoring.files.thrift import Reader, write_struct
from tests.scoring.made import ROWS, TEXT, frame, names, read, written


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
