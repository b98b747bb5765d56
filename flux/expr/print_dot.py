"""Draw an expression as a graph for Graphviz: a node for each operation, shared ones once.

Operands stand below what uses them, from left to right. Every text of a user is quoted.
"""

from __future__ import annotations

from collections.abc import Mapping

from flux.expr.node import Expr, show_axes
from flux.expr.precedence import OPERATORS
from flux.expr.spelling import Spelling
from flux.expr.traverse import topological
from flux.ops import Kind, Op


def to_dot(e: Expr) -> str:
    """The graph as text; `dot -Tsvg` draws it."""
    order = topological((e,))
    spelling = Spelling.of(order)
    number: Mapping[Expr, int] = {part: i for i, part in enumerate(order)}
    nodes = [
        f"    n{number[part]} [label={_quoted(_label(part, spelling))}{_style(part)}];"
        for part in reversed(order)
    ]
    edges = [f"    n{number[e]} -> n{number[arg]};" for e in reversed(order) for arg in e.args]
    return "\n".join([*_HEAD, *nodes, *edges, "}", ""])


_HEAD = ("digraph expression {", "    node [shape=box, style=rounded];")


def _style(e: Expr) -> str:
    return "" if e.args else ", shape=plaintext"


def _label(e: Expr, spelling: Spelling) -> str:
    axes = f"\n{show_axes(e.axes)}" if e.axes else ""
    return f"{title(e, spelling)}{axes}"


def title(e: Expr, spelling: Spelling) -> str:
    """What a node is called: its operator, function, name or number."""
    if e.op is Op.CONSTANT:
        return spelling.constant(e)
    if e.op is Op.INPUT:
        return str(e.attributes.name)
    if e.op in OPERATORS:
        return OPERATORS[e.op].symbol.strip()
    return f"{e.op.row.name}{_detail(e)}"


def _detail(e: Expr) -> str:
    if e.op is Op.RENAME:
        return f" [{', '.join(f'{a} = {b}' for a, b in e.attributes)}]"
    if e.op.row.kind in (Kind.REDUCTION, Kind.ACCESS):
        return f" [{', '.join(e.attributes)}]"
    if e.op is Op.RANDOM:
        return f" {e.attributes.site}"
    return f" {e.attributes}" if e.attributes else ""


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
