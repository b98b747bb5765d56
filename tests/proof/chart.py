"""Small charts as SVG: curves over a common axis, and shares as bars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from pathlib import Path

Point = tuple[float, float]

WIDTH, HEIGHT = 640, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 52, 40  # margins
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#7f7f7f", "#17becf")
_STEPS = (1, 2, 2.5, 5, 10)  # times a power of ten: the distance of two ticks
_BAR = 22  # pixels from bar to bar
_MOST_POINTS = 250  # of a curve


@dataclass(frozen=True)
class Curve:
    """Points joined by a line.

    Attributes:
        name: in the legend.
        points: in the order of x.
        dashed: so that a curve below stays visible.
    """

    name: str
    points: Sequence[Point]
    dashed: bool = False


def curves_svg(title: str, x_label: str, y_label: str, curves: Sequence[Curve]) -> str:
    """A chart of curves over linear axes."""
    x_low, x_high = _bounds([x for curve in curves for x, _ in curve.points])
    y_low, y_high = _bounds([y for curve in curves for _, y in curve.points])

    def place(point: Point) -> Point:
        across = (point[0] - x_low) / (x_high - x_low)
        up = (point[1] - y_low) / (y_high - y_low)
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    parts = [_text(WIDTH / 2, 18, title, anchor="middle", size=14)]
    for x in _ticks(x_low, x_high):
        at, _ = place((x, y_low))
        parts += [
            _line(at, TOP, at, HEIGHT - BOTTOM),
            _text(at, HEIGHT - BOTTOM + 15, f"{x:g}", "middle"),
        ]
    for y in _ticks(y_low, y_high):
        _, at = place((x_low, y))
        parts += [_line(LEFT, at, WIDTH - RIGHT, at), _text(LEFT - 6, at + 4, f"{y:g}", "end")]
    parts += [
        _text(WIDTH / 2, HEIGHT - 6, x_label, "middle"),
        _text(LEFT - 50, TOP - 14, y_label),
    ]
    for number, curve in enumerate(curves):
        parts += _drawn(curve, [place(p) for p in _thinned(curve.points)], number)
    return _document(HEIGHT, parts)


def _drawn(curve: Curve, points: Sequence[Point], number: int) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    dash = ' stroke-dasharray="6 5"' if curve.dashed else ""
    style = f'fill="none" stroke="{colour}" stroke-width="1.6"{dash}'
    yield f'<polyline {style} points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
    y = TOP + 14 + 16 * number
    yield f'<path {style} d="M{WIDTH - RIGHT - 30} {y - 4}h24"/>'
    yield _text(WIDTH - RIGHT - 36, y, curve.name, "end")


@dataclass(frozen=True)
class Bar:
    """A share of a whole.

    Attributes:
        name: beside the bar.
        share: 0 to 1.
        note: at its end.
    """

    name: str
    share: float
    note: str


def bars_svg(title: str, bars: Sequence[Bar], left: int = 140, right: int = 130) -> str:
    """Horizontal bars, the whole being the chart's width."""
    whole = WIDTH - left - right
    parts = [_text(WIDTH / 2, 18, title, "middle", 14)]
    for number, bar in enumerate(bars):
        y = TOP + number * _BAR
        long = whole * bar.share
        parts += [
            _text(left - 8, y + 13, bar.name, "end"),
            f'<rect x="{left}" y="{y}" width="{whole}" height="16" fill="#eee"/>',
            f'<rect x="{left}" y="{y}" width="{long:.1f}" height="16" fill="{COLOURS[0]}"/>',
            _text(left + whole + 8, y + 13, bar.note),
        ]
    return _document(TOP + len(bars) * _BAR + 6, parts)


def write(path: Path, svg: str) -> None:
    """Write a chart, and say where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg, encoding="utf-8")
    print(f"drawn: {path}")


def _document(height: int, parts: Sequence[str]) -> str:
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
    style = ' font-family="sans-serif" font-size="12">'
    paper = '<rect width="100%" height="100%" fill="white"/>'
    return "\n".join([frame + style, paper, *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {place}>{escape(text)}</text>"


def _line(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path stroke="#ddd" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>'


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high > low else (low, low + 1)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between low and high, four to nine of them."""
    power = 10.0 ** floor(log10((high - low) / 4))
    step = max(s for s in _STEPS if s * power <= (high - low) / 4) * power
    first = -floor(-low / step)
    return [n * step for n in range(first, floor(high / step) + 1)]


def _thinned(points: Sequence[Point]) -> list[Point]:
    """The means of neighbouring points, where there are more than a screen shows."""
    width = max(1, len(points) // _MOST_POINTS)
    groups = [points[n : n + width] for n in range(0, len(points), width)]
    return [(sum(x for x, _ in g) / len(g), sum(y for _, y in g) / len(g)) for g in groups]
