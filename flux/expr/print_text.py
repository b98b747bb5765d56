"""Print an expression as a block of the language, which parses back to the same node.

Declarations of the inputs that are not plain real scalars come first, then `name = expression` for
nodes that are used more than once, then the value. A small formula is one line. docs/language.md
defines the spelling of each operation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flux.expr.blocks import named_nodes
from flux.expr.node import Expr
from flux.expr.notation import Pieces, joined, listed
from flux.expr.precedence import ANY, OPERATORS, POSTFIX, Operator, level
from flux.expr.spelling import Spelling, axis_names
from flux.expr.traverse import topological
from flux.ops import REDUCTIONS, Op

_WIDTH = 100  # of a line of declarations


def to_text(e: Expr) -> str:
    """The expression as a block of the language; parsing it gives the same node."""
    texts = to_texts((e,))
    return "\n".join([*texts.declarations, *texts.bindings, *texts.values])


class Texts(NamedTuple):
    """Expressions in writing: lines that declare, lines that name shared parts, and the values."""

    declarations: list[str]
    bindings: list[str]
    values: list[str]


def to_texts(expressions: Sequence[Expr]) -> Texts:
    """Several expressions, with one name for a part wherever it stands."""
    order = topological(expressions)
    spelling = Spelling.of(order)
    names = dict(zip(named_nodes(order), spelling.temporaries(), strict=False))
    bindings = [f"{name} = {_written(part, spelling, names)}" for part, name in names.items()]
    values = [names.get(e) or _written(e, spelling, names) for e in expressions]
    return Texts(_declarations(order, spelling), bindings, values)


def to_line(e: Expr) -> str:
    """The expression of plain numbers in one line; what it uses twice is written out twice.

    Parsing it gives the same node, as `to_text` does; a large graph makes a very long line.
    """
    return _written(e, Spelling.of(topological((e,))), {})


def _declarations(order: Sequence[Expr], spelling: Spelling) -> list[str]:
    inputs = [x for x in order if x.op is Op.INPUT]
    given = [x for x in inputs if x.axes or x.attributes.integer]
    known = {axis for x in inputs for axis in x.attributes.axes}
    free = [axis for axis in axis_names(order) if axis not in known]
    return [
        *_lines("input", [_declared(x, spelling) for x in given]),
        *_lines("axis", [spelling.axis(axis) for axis in free]),
        *(
            f"assume {spelling.value(x.attributes.name)} {x.attributes.assumption}"
            for x in inputs
            if x.attributes.assumption
        ),
    ]


def _declared(x: Expr, spelling: Spelling) -> str:
    name, axes, integer, _ = x.attributes
    listed = f"[{', '.join(map(spelling.axis, axes))}]" if axes else ""
    return f"{spelling.value(name)}{listed}{': int' if integer else ''}"


def _lines(word: str, items: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) + 2 <= _WIDTH:
            lines[-1] += f", {item}"
        else:
            lines.append(f"{word} {item}")
    return lines


def _written(root: Expr, spelling: Spelling, names: Mapping[Expr, str]) -> str:
    return joined(root, names, lambda e: _pieces(e, spelling), level, ("(", ")"))


def _pieces(e: Expr, spelling: Spelling) -> Pieces:
    if e.op in OPERATORS:
        return _operation(OPERATORS[e.op], e.args)
    if e.op in _OTHERS:
        return _OTHERS[e.op](e, spelling)
    if e.op in REDUCTIONS:
        axes = ", ".join(map(spelling.axis, e.attributes))
        return [f"{e.op.row.name}[{axes}](", (e.args[0], ANY), ")"]
    return [f"{e.op.row.name}(", *listed(e.args, ", "), ")"]


def _operation(operator: Operator, args: tuple[Expr, ...]) -> Pieces:
    operands = list(zip(args, operator.operands, strict=True))
    if len(operands) == 1:
        return [operator.symbol, operands[0]]
    return [operands[0], operator.symbol, operands[1]]


def _random(e: Expr, spelling: Spelling) -> Pieces:
    site, axes = e.attributes
    brackets = f"[{', '.join(map(spelling.axis, axes))}]" if axes else ""
    return [f"random{brackets}(`{site}`, ", *listed(e.args, ", "), ")"]


def _rename(e: Expr, spelling: Spelling) -> Pieces:
    pairs = ", ".join(f"{spelling.axis(a)} = {spelling.axis(b)}" for a, b in e.attributes)
    return [(e.args[0], POSTFIX), f"[{pairs}]"]


def _index(e: Expr, spelling: Spelling) -> Pieces:
    pieces: Pieces = [(e.args[0], POSTFIX), "["]
    for number, (axis, i) in enumerate(zip(e.attributes, e.args[1:], strict=True)):
        pieces.append(f"{', ' if number else ''}{spelling.axis(axis)} = ")
        if i.op is Op.POSITION:  # a bare axis that is new to x would rename
            pieces.append(f"position[{spelling.axis(i.attributes)}]")
        else:
            pieces.append((i, ANY))
    return [*pieces, "]"]


_OTHERS: Mapping[Op, Callable[[Expr, Spelling], Pieces]] = {
    Op.CONSTANT: lambda e, spelling: [spelling.constant(e)],
    Op.INPUT: lambda e, spelling: [spelling.value(e.attributes.name)],
    Op.POSITION: lambda e, spelling: [spelling.position(e.attributes)],
    Op.SIZE: lambda e, spelling: [f"size[{spelling.axis(e.attributes)}]"],
    Op.RANDOM: _random,
    Op.RENAME: _rename,
    Op.INDEX: _index,
}
