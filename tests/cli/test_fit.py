"""`flux fit`: tables from files, what is printed, pictures, and places of mistakes."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux
from flux.cli.delimited import read_table
from flux.cli.entry import run
from flux.errors import FluxError

ROWS = [(0.0, 1.1, "p"), (1.0, 2.9, "p"), (2.0, 5.2, "q"), (3.0, 6.8, "q"), (4.0, 9.1, "q")]


def written(between: str = ",", end: str = "\n") -> str:
    lines = [("x", "y", "plate"), *((str(x), str(y), p) for x, y, p in ROWS)]
    return "".join(between.join(cells) + end for cells in lines)


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "line.csv"
    path.write_text(written())
    return str(path)


def numbers(text: str, *names: str) -> list[float]:
    lines = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    return [float(lines[name][1]) for name in names]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", written().encode()),
        ("a.csv", written(end="\r\n").encode()),
        ("a.tsv", written("\t").encode()),
        ("a.txt", written(";").encode()),
        ("a.csv.gz", gzip.compress(written().encode(), mtime=0)),
        ("named anything", gzip.compress(written("\t").encode(), mtime=0)),
        ("a.csv", b"\xef\xbb\xbf" + written().encode() + b"\n\n"),
        ("a.csv", written().replace("plate", '"the plate, quoted"').encode()),
    ],
)
def test_tables_of_many_kinds_are_read(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = read_table(str(path))
    assert len(found) == 3
    assert found["x"].tolist() == [row[0] for row in ROWS]
    assert found["y"].tolist() == [row[1] for row in ROWS]
    assert found.texts(found.names[2]) == [row[2] for row in ROWS]


def test_missing_numbers_are_nan(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1, NA\n, 2e-3\nnan,-inf\n")
    found = read_table(str(path))
    assert np.isnan(found["x"]).tolist() == [False, True, True]
    assert np.isnan(found["y"][0])
    assert found["y"][1:].tolist() == [0.002, -np.inf]


BROKEN = [
    (
        "x,y\n1,2\n3,four\n",
        "3:3: data error: column `y` has no number here\n  3 | 3,four\n    |   ^^^^",
    ),
    ("x,y\n1,2\n3,1_0\n", "3:3: data error: column `y` has no number here"),
    ('x,y\n"1,5",2\n', "2:2: data error: column `x` has no number here"),
    ("x,y\n1,2\n3\n", "3:1: data error: this row has 1 cells, and there are 2 columns"),
    ('x,y\n1,"2\n', "data error: this is no row"),
    ("x,x\n1,2\n", "two columns are named `x`"),
    ("x,\n1,2\n", "a column has no name"),
    ("", "is empty"),
    ("x,y\n", "0 rows cannot determine"),
    ("x,z\n1,2\n", "`y` is neither a column nor a parameter with a start"),
]


@pytest.mark.parametrize(("content", "text"), BROKEN, ids=[text[:40] for _, text in BROKEN])
def test_what_is_wrong_in_a_file_has_its_place(
    content: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content)
    assert run(["fit", "y = a*x", str(path), "a"]) == 1
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8b",
        gzip.compress(b"x,y\n1,2\n", mtime=0)[:-9],
        b"\x00\xff\xfe",
        b"\x1f\x8b" + b"a" * 50,
        b"\n" * 9,
    ],
)
def test_a_damaged_file_is_a_flux_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(content)
    with pytest.raises(FluxError):
        _ = read_table(str(path))["y"]


def test_a_fit_is_printed_as_it_is_in_a_script(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "y = a + b*x", table, "a", "b"]) == 0
    x, y, _ = zip(*ROWS, strict=True)
    found = flux.fit("y = a + b*x", {"x": x, "y": y}, parameters=["a", "b"])
    assert capsys.readouterr().out == f"{found!r}\n"


def test_json_has_the_numbers_in_full(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["y = a + b*x", table, "a", "b", "--json", "--level", "0.9", "--also", "a/b"]
    assert run(["fit", *arguments]) == 0
    shown = json.loads(capsys.readouterr().out)
    x, y, _ = zip(*ROWS, strict=True)
    found = flux.fit("y = a + b*x", {"x": x, "y": y}, parameters=["a", "b"])
    assert shown["converged"] is True
    assert shown["result"] == found.values
    assert shown["errors"] == found.errors
    assert shown["intervals"]["b"] == list(found.intervals(0.9)["b"])
    assert shown["also"]["a/b"]["value"] == found.estimate("a/b").value
    assert shown["covariance"] == found.covariance.tolist()
    assert shown["chi_square"] == found.chi_square


def test_a_picture_may_be_asked_for_briefly(table: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    assert run(["fit", "y = a + b*x", table, "a", "b", "-o", str(tmp_path / "p.svg")]) == 0
    assert (tmp_path / "p.svg").read_text().startswith("<?xml")


def test_profile_intervals_are_printed_and_in_json(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y, _ = zip(*ROWS, strict=True)
    profile = flux.fit("y = a*exp(b*x)", {"x": x, "y": y}, a=1, b=0.5).profile("b", 0.9)
    arguments = ["fit", "y = a*exp(b*x)", table, "a=1", "b=0.5", "--profile", "--level", "0.9"]
    assert run(arguments) == 0
    shown = capsys.readouterr().out
    assert "90% profile interval" in shown
    assert f"{profile.low:.6g} .. {profile.high:.6g}" in shown
    assert run([*arguments, "--json"]) == 0
    own = json.loads(capsys.readouterr().out)["profiles"]["b"]
    assert own == {"interval": [profile.low, profile.high], "reasons": list(profile.reasons)}


def test_json_has_a_text_for_what_is_not_known(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "y = a*x + b*x", table, "a", "b", "--json"]) == 1
    printed = capsys.readouterr()
    shown = json.loads(printed.out)
    assert shown["undetermined"] == ["a", "b"]
    assert shown["errors"]["a"] == "nan"
    assert "the fit did not converge" in printed.err


def test_starts_bounds_fixed_groups_and_losses(
    table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "y = a*x^n", table, "a=1", "n=0.5..2"]) == 0
    a, n = numbers(capsys.readouterr().out, "a", "n")
    assert (a, n) == pytest.approx((2.9, 0.8), abs=0.3)
    assert run(["fit", "y = a + b*x", table, "a=1", "b=1", "b=-inf..1.5"]) == 0
    assert "at its bound" in capsys.readouterr().out
    assert run(["fit", "y = a + b*x", table, "b", "--fix", "a=1"]) == 0
    assert numbers(capsys.readouterr().out, "a") == [1.0]
    grouped = ["--groups", "plate", "--per-group", "a", "--loss", "cauchy"]
    assert run(["fit", "y = a + b*x", table, "a=1", "b=1", *grouped]) == 0
    assert "a[p]" in capsys.readouterr().out
    assert run(["fit", "y = a*sin(b*x)", table, "a=5", "b=0..1", "--tries", "5"]) in (0, 1)


def test_rows_without_numbers_may_be_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,2\n2,\n3,6.1\n4,7.9\n")
    assert run(["fit", "y = a*x", str(path), "a"]) == 1
    assert "column `y` is nan in row 1" in capsys.readouterr().err
    assert run(["fit", "y = a*x", str(path), "a", "--drop-missing"]) == 0
    assert "(3 rows" in capsys.readouterr().out


def test_a_table_may_come_through_a_pipe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Pipe:
        buffer = io.BytesIO(written().encode())

    monkeypatch.setattr("sys.stdin", Pipe)
    assert run(["fit", "y = a + b*x", "-", "a", "b"]) == 0
    assert "converged: True" in capsys.readouterr().out


USAGE = [
    (["a=1", "a=2"], "a is given twice"),
    (["a=0..1", "a=1..2"], "a is given twice"),
    (["=1"], "expected NAME=VALUE"),
    (["a=1", "--loss", "least"], "least"),
    (["a=1", "--level", "1"], "level"),
]


@pytest.mark.parametrize(("arguments", "text"), USAGE)
def test_wrong_usage_has_exit_code_2(
    arguments: list[str], text: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", "y = a*x", table, *arguments]) == 2
    assert text in capsys.readouterr().err


# Pictures.


@pytest.fixture
def matplotlib() -> Any:
    return pytest.importorskip("matplotlib")


@pytest.mark.parametrize(
    ("ending", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_a_fit_is_drawn(
    matplotlib: Any, ending: str, magic: bytes, table: str, tmp_path: Path
) -> None:
    pictures = [tmp_path / f"{name}.{ending}" for name in ("one", "two")]
    for picture in pictures:
        assert run(["fit", "y = a + b*x", table, "a", "b", "--plot", str(picture)]) == 0
    one, two = (picture.read_bytes() for picture in pictures)
    assert one.startswith(magic)
    assert one == two


def test_the_picture_has_data_curve_bands_and_residuals(matplotlib: Any) -> None:
    x, y, plate = (np.array(column) for column in zip(*ROWS, strict=True))
    data = {"x": x, "y": y, "z": x**2, "$p$": plate}
    found = flux.fit("y = a + b*x", data, parameters=["a", "b"])
    above, below = found.plot().axes
    assert len(above.collections) == 3  # data and two bands
    (curve,) = above.lines
    assert curve.get_ydata()[0] == pytest.approx(found.predict(x=0.0))
    assert below.collections[0].get_offsets()[:, 1].data == pytest.approx(found.residuals)
    groups = flux.fit("y = a + b*x", data, a=1.0, b=1.0, groups="$p$", per_group=["a"])
    assert len(groups.plot().axes[0].lines) == 2
    two = flux.fit("y = a*x + b*z", data, parameters=["a", "b"])
    assert two.plot().axes[1].get_xlabel() == "fitted"
    assert two.plot(x="z").axes[1].get_xlabel() == "z"
    constant = flux.fit("y = a", data, parameters=["a"])
    assert constant.plot().axes[1].get_xlabel() == "fitted"


def test_names_are_no_mathematics_of_matplotlib(matplotlib: Any, tmp_path: Path) -> None:
    x, y, plate = (np.array(column) for column in zip(*ROWS, strict=True))
    data = {"$x": x, "y": y, "plate": np.where(plate == plate[0], r"$\frac{1$", "$b")}
    options = {"a": 1.0, "b": 1.0, "groups": "plate", "per_group": ["a"]}
    figure = flux.fit("y = a + b*`$x`", data, **options).plot(tmp_path / "a.svg")
    shown = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert sorted(shown) == [r"\$\frac{1\$", r"\$b"]


def test_mistakes_of_pictures_are_explained(matplotlib: Any, tmp_path: Path) -> None:
    x, y, _ = (np.array(column) for column in zip(*ROWS, strict=True))
    found = flux.fit("y = a + b*x", {"x": x, "y": y}, parameters=["a", "b"])
    (tmp_path / "file").touch()
    for call, text in [
        (lambda: found.plot(tmp_path / "a.bmp"), "no picture format '.bmp'"),
        (lambda: found.plot(tmp_path / "file" / "a.png"), "cannot write"),
        (lambda: found.plot(x="z"), "no column `z`"),
        (lambda: found.plot(log=True), "needs numbers above 0"),
    ]:
        with pytest.raises(FluxError, match=text):
            call()


def test_without_matplotlib_the_extra_is_named(
    table: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    assert run(["fit", "y = a + b*x", table, "a", "b", "--plot", "a.png"]) == 1
    printed = capsys.readouterr()
    assert 'pip install "fluxparser[plot]"' in printed.err
    assert "converged: True" in printed.out
