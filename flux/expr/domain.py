"""When an operation counts as outside its domain, and the error that says so.

The rule for numbers and arrays: the result is nan though no operand is, or infinite though every
operand is finite. So 1/0, log(0), exp(1000) and inf - inf count; inf + 1 and nan + 1 do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flux.errors import DomainError
from flux.expr.node import Expr
from flux.ops import Op
from flux.source import Span

Origins = Mapping[Expr, Sequence[Span]]

_INFIX = {Op.ADD: "+", Op.SUB: "-", Op.MUL: "*", Op.DIV: "/", Op.POW: "^", Op.MOD: "%"}


def domain_error(e: Expr, operands: Sequence[float], origins: Origins) -> DomainError:
    """The error of an operation on operands outside its domain."""
    if e.op is Op.CONSTANT:
        return DomainError("the number is beyond the largest float", tuple(origins.get(e, ()))[:1])
    domain = e.op.row.domain
    return DomainError(
        f"{_call(e.op, operands)} has no finite value",
        spans=tuple(origins.get(e, ()))[:1],
        hint=f"{e.op.row.name} needs {domain}" if domain else "",
    )


def _call(op: Op, operands: Sequence[float]) -> str:
    shown = [f"{operand:g}" for operand in operands]
    if op in _INFIX:
        return f" {_INFIX[op]} ".join(f"({x})" if x.startswith("-") else x for x in shown)
    return f"{op.row.name}({', '.join(shown)})"
