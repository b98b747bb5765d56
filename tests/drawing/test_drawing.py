"""Drawings: what is in view, where lines break, and both ways of showing them."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from flux.drawing import Curve, Figure, Marks, draw, save
from flux.errors import FluxError


def figure(formula: str = "line", marks: tuple[Marks, ...] = ()) -> Figure:
    x = np.linspace(-4, 4, 801)
    with np.errstate(all="ignore"):
        y = {
            "line": x,
            "pole": 1 / (x - 0.003),
            "empty": np.full_like(x, np.nan),
            "flat": np.full_like(x, 3.0),
            "half": np.sqrt(x),
            "huge": x * 4e307,
            "steps": np.floor(x),
        }[formula]
    return Figure(formula, "x", (Curve(formula, x, y),), marks)


def test_a_line_runs_from_corner_to_corner() -> None:
    _, _, *lines, below = draw(figure(), width=41, height=11).splitlines()
    assert lines[0].endswith("*")
    assert lines[-1].split()[1][0] == "*"
    assert lines[5].count("-") > 20
    assert below.split() == ["-4", "x", "4"]


def test_every_drawing_is_ascii_and_keeps_its_size() -> None:
    for name in ("line", "pole", "empty", "flat", "half", "huge", "steps"):
        drawn = draw(figure(name), width=50, height=9)
        assert drawn.isascii()
        assert len(drawn.splitlines()) == 9 + 3
        assert all(len(line) <= 50 + 12 for line in drawn.splitlines())


def test_a_pole_does_not_set_the_scale_and_is_left_open() -> None:
    low, high = figure("pole").view()
    assert -200 < low < -1
    assert 1 < high < 200
    (broken,) = figure("pole").broken()
    assert np.isnan(broken.y).sum() == 1
    assert np.isnan(figure("steps").broken()[0].y).sum() == 0


def test_what_is_not_finite_is_not_drawn() -> None:
    drawn = draw(figure("half"), width=41, height=9)
    body = [line[line.find(" ") + 1 :] for line in drawn.splitlines()[2:-1]]
    assert not any("*" in line[:18] for line in body)
    assert "*" not in draw(figure("empty"), width=41, height=9).split("\n", 1)[1]


def test_marks_lie_on_top() -> None:
    marks = (Marks("roots", np.array([0.0]), np.array([0.0])),)
    drawn = draw(figure(marks=marks), width=41, height=11)
    assert drawn.splitlines()[0] == "* line   o roots"
    assert drawn.splitlines()[7][-41:].strip().count("o") == 1


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FluxError, match="no picture format"):
        save(figure(), tmp_path / "a.bmp")


def test_without_matplotlib_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(FluxError) as caught:
        save(figure(), tmp_path / "a.png")
    assert "fluxparser[plot]" in caught.value.hint


BEGINNINGS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_a_picture_is_written_and_the_same_each_time(ending: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    marks = (Marks("roots", np.array([0.0]), np.array([0.0])),)
    files = [tmp_path / f"{n}{ending}" for n in range(2)]
    for file in files:
        save(figure("pole", marks), file)
    first, second = (file.read_bytes() for file in files)
    assert first == second
    assert first.startswith(BEGINNINGS[ending])


def test_a_label_is_no_mathematics_of_matplotlib(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    save(Figure("$\\frac{1$", "$x", figure().curves), tmp_path / "a.svg")


def test_a_folder_that_is_none_is_an_error_of_ours(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    (tmp_path / "none").touch()
    with pytest.raises(FluxError, match="cannot write"):
        save(figure(), tmp_path / "none" / "a.png")


@pytest.mark.parametrize("ending", BEGINNINGS)
def test_a_full_disk_leaves_the_old_picture(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / f"a{ending}"
    save(figure(), file)
    before, write = file.read_bytes(), os.write
    room = iter([True])

    def full(number: int, content: bytes) -> int:
        if next(room, False):
            return write(number, content[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(FluxError, match="No space left"):
            save(figure("flat"), file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def _area(size: float, y: list[float]) -> list[str]:
    """What is drawn for three points, without the numbers beside it."""
    curve = Curve("f", size * np.array([-1.0, 0.0, 1.0]), size * np.array(y))
    figure = Figure("f", "x", (curve,))
    side = max(len(f"{end:.4g}") for end in figure.view())
    return [line[side + 1 :] for line in draw(figure, 20, 5).splitlines()[2:-1]]


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e300, 8e307])
@pytest.mark.parametrize("y", [[-1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
def test_a_drawing_of_any_size_is_the_same(size: float, y: list[float]) -> None:
    assert _area(size, y) == _area(1.0, y)
