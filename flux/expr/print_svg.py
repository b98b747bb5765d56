"""Draw an expression as a picture in SVG: what uses something stands above it.

Operations are drawn once, however often they are used, and those used more than once are marked;
names and numbers stand at each use, so that no line has to cross the picture for them. A row of the
picture is a distance from the top; within rows, subtrees stand as close as their outlines allow.

Source:
    Reingold and Tilford, Tidier Drawings of Trees (1981), IEEE Transactions on Software Engineering
    SE-7, 223-228, over the tree in which each operation hangs from its lowest user.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from flux.errors import LimitError
from flux.expr.node import Expr, show_axes
from flux.expr.print_dot import title
from flux.expr.spelling import Spelling
from flux.expr.traverse import topological
from flux.ops import Op
from flux.source import printable

_MOST_BOXES = 2_000
_MOST_LABEL = 28  # characters
_FONT = 15.0
_WIDE = 0.62  # of a character beside the font's size
_HEIGHT, _ROW, _GAP, _MARGIN = 30.0, 66.0, 14.0, 16.0
_STYLE = """
  .page { fill: #ffffff }
  .box { stroke-width: 1.5 }
  .operation .box { fill: #eef4fb; stroke: #2f6fab }
  .shared .box { fill: #fdf1dc; stroke: #c4770d; stroke-width: 2 }
  .name .box { fill: #eaf5ea; stroke: #4b8f3c }
  .number .box { fill: #ffffff; stroke: none }
  .edge { fill: none; stroke: #8a97a5; stroke-width: 1.4 }
  text { font: 15px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1d2733;
         text-anchor: middle; dominant-baseline: central }
"""


@dataclass(eq=False)
class _Box:
    """One box.

    Attributes:
        e: what it stands for.
        row: from the top.
        label: its text.
        kind: how it is drawn.
        children: boxes that hang from it, from left to right.
        targets: boxes that it has lines to.
        shift: of its centre, beside that of the box it hangs from; then its x.
    """

    e: Expr
    row: int
    label: str
    kind: str
    children: list[_Box] = field(default_factory=list)
    targets: list[_Box] = field(default_factory=list)
    shift: float = 0.0

    @property
    def width(self) -> float:
        return max(_HEIGHT, len(self.label) * _FONT * _WIDE + _FONT)


def to_svg(e: Expr) -> str:
    """The picture as text; a file of it is one.

    Raises:
        LimitError: it would have more than 2,000 boxes.
    """
    order = topological((e,))
    if sum(max(1, len(part.args)) for part in order) > _MOST_BOXES:
        raise LimitError(
            f"a picture has at most {_MOST_BOXES:,} boxes", hint="`to_dot` has no such limit"
        )
    boxes = _boxes(e, order)
    _place(boxes)
    return _written(boxes, str(e))


# Boxes: rows, and what hangs from what.


def _boxes(e: Expr, order: Sequence[Expr]) -> list[_Box]:
    """All boxes, each after the one that it hangs from."""
    rows, users = _rows(e, order)
    spelling = Spelling.of(order)
    drawn: dict[Expr, _Box] = {e: _box(e, 0, spelling, users)}
    found = [drawn[e]]
    for part in sorted((p for p in order if p.args), key=lambda p: rows[p]):
        own = drawn[part]
        for arg in part.args:
            target = drawn.get(arg) if arg.args else None
            if target is None:
                target = _box(arg, rows[arg] if arg.args else own.row + 1, spelling, users)
                found.append(target)
                if arg.args:
                    drawn[arg] = target
            own.targets.append(target)
    return _hung(found)


def _rows(e: Expr, order: Sequence[Expr]) -> tuple[Mapping[Expr, int], Mapping[Expr, int]]:
    """The longest way from the top to each part, and how often it is used."""
    rows, users = dict.fromkeys(order, 0), dict.fromkeys(order, 0)
    for part in reversed(order):
        for arg in part.args:
            rows[arg] = max(rows[arg], rows[part] + 1)
            users[arg] += 1
    return rows, users


def _box(e: Expr, row: int, spelling: Spelling, users: Mapping[Expr, int]) -> _Box:
    label = printable(title(e, spelling) + (f" {show_axes(e.axes)}" if e.axes else ""))
    short = label if len(label) <= _MOST_LABEL else label[: _MOST_LABEL - 1] + "…"
    return _Box(e, row, short, _kind(e, users))


def _kind(e: Expr, users: Mapping[Expr, int]) -> str:
    if e.op is Op.CONSTANT:
        return "number"
    if not e.args:
        return "name"
    return "operation shared" if users[e] > 1 else "operation"


def _hung(boxes: list[_Box]) -> list[_Box]:
    """The boxes with their children: each hangs from its first user in the row above it."""
    taken: set[_Box] = set()
    for box in boxes:
        for target in box.targets:
            if target.row == box.row + 1 and target not in taken:
                taken.add(target)
                box.children.append(target)
    found = [boxes[0]]
    for box in found:
        found.extend(box.children)
    return found


# Places.


def _place(boxes: Sequence[_Box]) -> None:
    """Set each box's x: subtrees as close as outlines allow, users in the middle above them."""
    outlines: dict[_Box, tuple[list[float], list[float]]] = {}
    for box in reversed(boxes):
        outlines[box] = _outline(box, [outlines.pop(child) for child in box.children])
    for box in boxes:
        for child in box.children:
            child.shift += box.shift


def _outline(
    box: _Box, parts: Sequence[tuple[list[float], list[float]]]
) -> tuple[list[float], list[float]]:
    """The left and right edges of a subtree by row, beside its box; children get their shifts."""
    left: list[float] = []
    right: list[float] = []
    for child, (inner, outer) in zip(box.children, parts, strict=True):
        rows = zip(right, inner, strict=False)
        child.shift = max((edge - start + _GAP for edge, start in rows), default=0.0)
        left.extend(edge + child.shift for edge in inner[len(left) :])
        right[: len(outer)] = [edge + child.shift for edge in outer]
    middle = (box.children[0].shift + box.children[-1].shift) / 2 if box.children else 0.0
    for child in box.children:
        child.shift -= middle
    half = box.width / 2
    return [-half, *(x - middle for x in left)], [half, *(x - middle for x in right)]


# Text.


def _written(boxes: Sequence[_Box], text: str) -> str:
    left = min(box.shift - box.width / 2 for box in boxes) - _MARGIN
    right = max(box.shift + box.width / 2 for box in boxes) + _MARGIN
    width, height = right - left, max(box.row for box in boxes) * _ROW + _HEIGHT + 2 * _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}"'
    told = "\n".join(escape(printable(line)) for line in text[:1_000].splitlines())
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
        f"<title>{told}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{width:.1f}" height="{height:.1f}" rx="8"/>',
        *(line for box in boxes for line in _edges(box, left)),
        *(line for box in boxes for line in _drawn(box, left)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _edges(box: _Box, left: float) -> Iterator[str]:
    """Lines to what a box uses, spread over its lower edge in the order of operands."""
    count = len(box.targets)
    for i, target in enumerate(box.targets):
        spread = (i - (count - 1) / 2) * min(10.0, box.width / 2 / count)
        x, y = box.shift - left + spread, _MARGIN + box.row * _ROW + _HEIGHT
        to_x, to_y = target.shift - left, _MARGIN + target.row * _ROW
        bend = (to_y - y) / 2
        path = f"M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f}"
        yield f'<path class="edge" d="{path} {to_x:.1f} {to_y:.1f}"/>'


def _drawn(box: _Box, left: float) -> Iterator[str]:
    x, y = box.shift - left, _MARGIN + box.row * _ROW
    corner = f'x="{x - box.width / 2:.1f}" y="{y:.1f}"'
    size = f'width="{box.width:.1f}" height="{_HEIGHT:.0f}" rx="{_HEIGHT / 2:.0f}"'
    text = f'<text x="{x:.1f}" y="{y + _HEIGHT / 2:.1f}">{escape(box.label)}</text>'
    yield f'<g class="{box.kind}"><rect class="box" {corner} {size}/>{text}</g>'
