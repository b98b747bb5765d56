"""Declarations: `x[t, d]`, `tokens[b, t]: int`, `rate: real = 0.1`, read from expressions.

One token cannot tell the axes of `q[h, k] = ...` from indices, so the grammar reads declarations as
expressions, and this module says what they declare or why they cannot.
"""

from __future__ import annotations

from dataclasses import dataclass

from flux.errors import AxisError, ParseError
from flux.syntax.tree import Index, Keyword, Name, Text, Tree, Typed

_KINDS = ("int", "real")


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared name: `x[t, d]`, `tokens[b, t]: int`, `rate: real = 0.1`.

    Attributes:
        axes: as written; None where there is no axis list, so that a formal takes any axes.
        kind: "" where none is written, `int` or `real`.
        default: what it is where it is not given.
    """

    name: str
    axes: tuple[str, ...] | None
    kind: str
    default: Tree | None
    tree: Tree
    quoted: bool = False


def declared(text: Text, item: Tree) -> Declared:
    """Read a declaration that was parsed as an expression."""
    target, kind, default = item, "", None
    if isinstance(item, Keyword):
        target, default = item.name, item.value
    elif isinstance(item, Typed):
        target, kind, default = item.target, _kind(text, item.kind), item.default
    axes: tuple[str, ...] | None = None
    if isinstance(target, Index):
        axes, target = axis_list(text, target), target.target
    if not isinstance(target, Name):
        raise ParseError("expected a name, or a name with axes", (text.span(target),))
    return Declared(target.name, axes, kind, default, item, target.quoted)


def _kind(text: Text, tree: Tree) -> str:
    if isinstance(tree, Name) and tree.name in _KINDS:
        return tree.name
    raise ParseError("expected `int` or `real`", (text.span(tree),))


def axis_list(text: Text, tree: Index) -> tuple[str, ...]:
    """The axes between the brackets of a declaration, each at most once."""
    names: dict[str, Tree] = {}
    for item in tree.items:
        if not isinstance(item, Name):
            raise ParseError("expected the name of an axis", (text.span(item),))
        if item.name in names:
            raise AxisError(
                f"axis {item.name} stands twice in one list",
                (text.span(item),),
                hint=f"give one a name of its own, then rename: `[{item.name}_1 = {item.name}]`",
            )
        names[item.name] = item
    return tuple(names)
