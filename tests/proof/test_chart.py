from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from tests.proof.chart import HEIGHT, WIDTH, Bar, Curve, bars_svg, curves_svg

_SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(svg).iter(f"{_SVG}text")]


def test_curves_stay_inside_and_axes_have_round_numbers() -> None:
    points = [(float(n), 5.0 - n / 40) for n in range(101)]
    svg = curves_svg("a < b", "step", "loss", [Curve("one", points), Curve("two", points[:2])])
    drawn = [each.attrib["points"] for each in ElementTree.fromstring(svg).iter(f"{_SVG}polyline")]
    assert len(drawn) == 2
    for pair in " ".join(drawn).split():
        x, y = map(float, pair.split(","))
        assert 0 < x < WIDTH
        assert 0 < y < HEIGHT
    assert {"a < b", "step", "loss", "one", "two", "0", "25", "100", "2.5", "5"} <= set(texts(svg))


def test_a_constant_curve_is_drawn() -> None:
    assert "3" in texts(curves_svg("", "", "", [Curve("flat", [(0.0, 3.0), (1.0, 3.0)])]))


def test_many_points_are_drawn_as_their_means() -> None:
    points = [(float(n), float(n % 2)) for n in range(10_000)]
    assert len(curves_svg("", "", "", [Curve("noise", points)])) < 10_000


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_bars_are_as_long_as_their_share(share: float) -> None:
    svg = bars_svg("shares", [Bar("some", share, "of 4")])
    _, whole, bar = ElementTree.fromstring(svg).iter(f"{_SVG}rect")
    assert float(bar.attrib["width"]) == pytest.approx(share * float(whole.attrib["width"]))
    assert texts(svg) == ["shares", "some", "of 4"]
