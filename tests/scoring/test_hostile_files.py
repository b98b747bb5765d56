"""Files that are unusual, wrong or damaged: the right values, or an error with its place."""

from __future__ import annotations

import gzip
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, DataError, FluxError, UnknownNameError
from flux.scoring.files import score_file, text_rows
from tests.scoring.made import TEXT, frame, names, read, written

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
        (b"a\n0.1\n9007199254740992\n1e400\n5e-324\n", [0.1, 2.0**53, math.inf, 5e-324]),
        (b"a\n9007199254740993.0\n-1152921504606846976\n", [2.0**53, -(2.0**60)]),
        (b"a,b\r1,2\n3,4\r5,6\n", [1, 3, 5]),
        (b'a,"b\rc"\r1,2\n3,4\n', [1, 3]),
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
        (b"a\n1,5\n", "row 1 has 2 cells for 1 column"),
        (b"a,b\n1,2\n3\n", "row 2 has 1 cell for 2 columns"),
        (b"a,b\n1,2\n3,4,5\n", "row 2 has 3 cells"),
        (b"a\n0x10\n", "row 1, column `a`: the text '0x10' is no number"),
        (b"a\n1\n9007199254740993\n", "row 2, column `a`: 9007199254740993 has no exact float64"),
        (b"a\n -9223372036854775809 \n", "row 1, column `a`: -9223372036854775809 has no exact"),
        (b"a\n" + b"1" * 5000 + b"\n", "row 1, column `a`: 1111111111"),
        (b"a,gr\xf6\xdfe\n1,2\n", "the first row of"),
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
    place = "t.csv', " if message.startswith("row") else ""
    assert place + message in caught.value.text
    assert not [file for file in names(tmp_path) if file != "t.csv"]


def test_names_are_not_printed_before_rows(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "t.csv").write_text("a\nx\n")
    with pytest.raises(DataError):
        score_file(flux.scorer("y = a"), str(tmp_path / "t.csv"), "-")
    assert capfdbinary.readouterr().out == b""
    (tmp_path / "t.csv").write_text("a\n")
    score_file(flux.scorer("y = a"), str(tmp_path / "t.csv"), "-")
    assert capfdbinary.readouterr().out == b"y\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_standard_streams_that_are_full_or_closed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    command = f"{sys.executable} -m flux score 'y = a'"
    for rest, message in (
        ("t.csv > /dev/full", "cannot write standard output: No space left"),
        ("t.csv >&-", "standard output is closed"),
        ("- <&-", "standard input is closed"),
    ):
        run = subprocess.run(
            f"{command} {rest}", shell=True, cwd=tmp_path, capture_output=True, text=True
        )
        assert run.returncode == 1
        assert run.stderr.startswith("data error: ")
        assert message in run.stderr


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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
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
