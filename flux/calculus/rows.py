"""Scalar expressions as flat rows of plain values, for another process: never a pickle.

A row is [operation, operands by number, attributes], operands before their users, so that reading
one back is a loop over closed tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flux.errors import FluxError
from flux.expr import Expr, constant, node, topological, variable
from flux.ops import Kind, Op

Row = tuple[str, Sequence[int], Sequence[Any]]

_OPS = {op.row.name: op for op in Op if op.row.kind in (Kind.LEAF, Kind.POINTWISE)}
_CONSTANTS: Mapping[str, Callable[[str], int | Decimal | bool | str]] = {
    "int": int,
    "decimal": Decimal,
    "bool": lambda text: text == "True",
    "named": str,
}


def to_rows(e: Expr) -> list[Row]:
    """The rows of an expression without named axes; the last one is the expression."""
    order = topological((e,))
    number = {part: i for i, part in enumerate(order)}
    return [
        (part.op.row.name, [number[arg] for arg in part.args], _attributes(part)) for part in order
    ]


def _attributes(e: Expr) -> Sequence[Any]:
    if e.op is Op.CONSTANT:
        return (e.attributes.kind, str(e.attributes.value))
    if e.op is Op.INPUT:
        return (e.attributes.name, e.attributes.integer, e.attributes.assumption)
    return ()


def from_rows(rows: Sequence[Row]) -> Expr:
    """The expression of rows.

    Raises:
        FluxError: they are not rows of an expression.
    """
    made: list[Expr] = []
    try:
        for name, operands, attributes in rows:
            made.append(_built(_OPS[name], [made[i] for i in operands], attributes))
        return made[-1]
    except (KeyError, IndexError, TypeError, ValueError, AssertionError) as error:
        raise FluxError("these rows are no expression") from error


def _built(op: Op, operands: Sequence[Expr], attributes: Sequence[Any]) -> Expr:
    if op is Op.CONSTANT:
        kind, text = attributes
        return constant(_CONSTANTS[kind](text))
    if op is Op.INPUT:
        name, integer, assumption = attributes
        return variable(name, integer=integer, assumption=assumption)
    return node(op, tuple(operands))
