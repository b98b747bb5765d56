"""Print an expression as a tree, one node a line, for `flux show --stage expr`.

A node that is used more than once is drawn where it first appears, under a number that its other
uses refer to; so the tree has a line for each edge of the graph at most.
"""

from __future__ import annotations

from flux.expr.node import Expr, show_axes
from flux.expr.spelling import Spelling
from flux.expr.traverse import topological
from flux.ops import Kind, Op


def to_tree(e: Expr) -> str:
    """The expression as an indented tree of its nodes, with their axes."""
    order = topological((e,))
    spelling = Spelling.of(order)
    shared = _shared(order)
    numbers: dict[Expr, int] = {}
    lines: list[str] = []
    stack = [(e, "", "")]
    while stack:
        part, first, rest = stack.pop()
        if part in numbers:
            lines.append(f"{first}#{numbers[part]} (above)")
            continue
        label = _label(part, spelling)
        if part in shared:
            numbers[part] = len(numbers) + 1
            label = f"#{numbers[part]} {label}"
        lines.append(first + label)
        stack.extend(reversed(_branches(part, rest)))
    return "\n".join(lines)


def _shared(order: list[Expr]) -> set[Expr]:
    uses: dict[Expr, int] = dict.fromkeys(order, 0)
    for e in order:
        for arg in e.args:
            uses[arg] += 1
    return {e for e in order if uses[e] > 1 and e.args}


def _branches(e: Expr, indent: str) -> list[tuple[Expr, str, str]]:
    last = len(e.args) - 1
    return [
        (arg, indent + ("└─ " if i == last else "├─ "), indent + ("   " if i == last else "│  "))
        for i, arg in enumerate(e.args)
    ]


def _label(e: Expr, spelling: Spelling) -> str:
    name = e.op.row.name
    if e.op is Op.CONSTANT:
        return spelling.constant(e)
    axes = f"  {show_axes(e.axes)}" if e.axes else ""
    return f"{name}{_detail(e)}{axes}"


def _detail(e: Expr) -> str:
    if e.op is Op.INPUT:
        attributes = e.attributes
        kind = ": int" if attributes.integer else ""
        assumption = f" {attributes.assumption}" if attributes.assumption else ""
        return f" {attributes.name}{kind}{assumption}"
    if e.op is Op.RANDOM:
        return f" {e.attributes.site}"
    if e.op is Op.RENAME:
        return f" [{', '.join(f'{a} = {b}' for a, b in e.attributes)}]"
    if e.op.row.kind in (Kind.REDUCTION, Kind.ACCESS):
        return f" [{', '.join(e.attributes)}]"
    return f" {e.attributes}" if e.attributes else ""
