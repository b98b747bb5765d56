"""The picture of an expression: what is in it, where it stands, and what it does with any text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given

import flux
from flux.errors import LimitError
from flux.expr import Expr, topological, variable
from tests.strategies import formulas

SVG = "{http://www.w3.org/2000/svg}"


def groups(e: Expr) -> list[ElementTree.Element]:
    return ElementTree.fromstring(e.to_svg()).findall(f"{SVG}g")


def labels(e: Expr) -> list[str]:
    return [str(group.findtext(f"{SVG}text")) for group in groups(e)]


def rectangles(e: Expr) -> Iterator[tuple[float, float, float, float]]:
    for group in groups(e):
        box = group.find(f"{SVG}rect")
        assert box is not None
        x, y, width, height = (float(box.attrib[k]) for k in ("x", "y", "width", "height"))
        yield x, y, x + width, y + height


def test_operations_stand_once_and_names_at_each_use() -> None:
    e = flux.parse("sin(x + 1)*(x + 1)")
    assert sorted(labels(e)) == ["*", "+", "1", "sin", "x"]
    (shared,) = (g for g in groups(e) if "shared" in g.attrib["class"])
    assert shared.findtext(f"{SVG}text") == "+"
    assert sorted(labels(flux.parse("x*sin(x)"))) == ["*", "sin", "x", "x"]


@given(formulas())
def test_a_picture_has_a_line_for_each_operand_and_no_boxes_that_overlap(e: Expr) -> None:
    order = topological((e,))
    root = ElementTree.fromstring(e.to_svg())
    assert len(root.findall(f"{SVG}path")) == sum(len(part.args) for part in order)
    operations = [part for part in order if part.args]
    drawn = [g for g in root.findall(f"{SVG}g") if g.attrib["class"].startswith("operation")]
    assert len(drawn) == len(operations)
    boxes = sorted(rectangles(e), key=lambda box: (box[1], box[0]))
    for first, second in pairwise(boxes):
        assert first[1] != second[1] or first[2] < second[0]
    width, height = (float(root.attrib[k]) for k in ("width", "height"))
    assert all(x >= 0 and y >= 0 and u <= width + 1 and v <= height + 1 for x, y, u, v in boxes)


def test_what_uses_something_stands_above_it() -> None:
    e = flux.parse("exp(-x)/(1 + exp(-x)) + log(1 + exp(-x))")
    for path in ElementTree.fromstring(e.to_svg()).iter(f"{SVG}path"):
        numbers = [float(text) for text in re.findall(r"-?\d+\.\d+", path.attrib["d"])]
        assert numbers[1] < numbers[-1]


def test_a_user_stands_in_the_middle_above_its_operands() -> None:
    root, left, right = sorted(rectangles(flux.parse("log(x) + 7")), key=lambda box: box[1])[:3]
    centre = (left[0] + left[2] + right[0] + right[2]) / 4
    assert (root[0] + root[2]) / 2 == pytest.approx(centre, abs=0.2)


def test_the_text_of_a_name_is_only_text() -> None:
    name = '</text><script>alert("1")</script>&'
    text = variable(name).to_svg()
    assert "<script" not in text
    root = ElementTree.fromstring(text)
    assert (root.findtext(f"{SVG}g/{SVG}text") or "").startswith("</text><script>")


@pytest.mark.parametrize("name", ["a\x00b", "\x1b[31m", "\ud800", "a\nb", "\u202e", "é", "\ufffe"])
def test_any_name_gives_a_picture_that_reads(name: str) -> None:
    assert len(groups(variable(name) + 1)) == 3


def test_a_long_name_is_cut_off() -> None:
    (label,) = labels(variable("a" * 500))
    assert len(label) == 28
    assert label.endswith("…")


def test_a_deep_expression_is_drawn_and_a_large_one_refused() -> None:
    e = flux.parse("x")
    for _ in range(900):
        e = e + 1
    assert len(groups(e)) == 1801
    for _ in range(900):
        e = e + 1
    with pytest.raises(LimitError, match="2,000 boxes"):
        e.to_svg()


def test_the_bytes_are_the_same_every_time() -> None:
    assert flux.parse("a*sin(b)").to_svg() == flux.parse("a*sin(b)").to_svg()


def test_axes_are_told() -> None:
    e = flux.parse("input W[d, v], x[d]\nsum[d](W*x)")
    assert "sum [d] axes [v]" in labels(e)
