"""What `help NAME` says of a function: its call, where it is defined, its derivative, its words."""

from __future__ import annotations

from collections.abc import Mapping

from flux.calculus.partials import PARTIALS
from flux.errors import UnknownNameError, did_you_mean
from flux.expr import Expr, inputs
from flux.expr.node import NAMED_CONSTANTS
from flux.ops import Op
from flux.syntax.definitions import Definition
from flux.syntax.functions import (
    FOLDED_FUNCTIONS,
    FUNCTION_NAMES,
    POINTWISE_FUNCTIONS,
    REDUCTION_FUNCTIONS,
)
from flux.syntax.module import LIBRARY

_CONSTANTS = {
    "pi": "3.141592653589793..., the half turn in radians",
    "e": "2.718281828459045..., the base of natural logarithms",
    "inf": "infinity, as IEEE has it",
    "nan": "not a number, as IEEE has it",
    "true": "1",
    "false": "0",
}
_FORMS = {
    "diff": "diff(f, x, n): the n-th derivative of f by x",
    "grad": "grad(f, x): the derivative of a scalar by x, with the axes of x",
    "random": "random numbers, in models",
    "root": "root(f, x, start): where f is 0, searched from a start; it has derivatives",
    "repeat": "repeat(f, n): f applied n times, with parameters of its own each time",
    "mean": "mean[d](x): the mean over the axis d",
}


def known_functions() -> list[str]:
    """Every name that can be called."""
    return sorted({*FUNCTION_NAMES, *LIBRARY.names()})


def explained(name: str, definitions: Mapping[str, str]) -> str:
    """What a name is.

    Raises:
        UnknownNameError: it is none that is known.
    """
    if name in definitions:
        return definitions[name]
    op = POINTWISE_FUNCTIONS.get(name) or FOLDED_FUNCTIONS.get(name)
    if op is not None:
        return _of_operation(name, op)
    if name in REDUCTION_FUNCTIONS:
        return f"{name}[d](x): over the positions of x along the axis d"
    definition = LIBRARY.find(name)
    if definition is not None:
        return _of_definition(definition)
    known = {**_CONSTANTS, **_FORMS}
    if name not in known:
        names = [*known_functions(), *NAMED_CONSTANTS, *definitions]
        raise UnknownNameError(f"no function `{name}`", hint=did_you_mean(name, names))
    return f"{name} = {known[name]}" if name in _CONSTANTS else known[name]


def _of_operation(name: str, op: Op) -> str:
    operands = ("a", "b", "c")[: max(op.row.arity, 1)]
    lines = [f"{name}({', '.join(operands)})"]
    lines.append(f"  defined: {f'where {op.row.domain}' if op.row.domain else 'everywhere'}")
    for operand, partial in zip(operands, PARTIALS.get(op, ()), strict=False):
        lines.append(f"  derivative by {operand}: {_on_one_line(partial)}")
    if _uses_result(op):
        lines.append("  where y is the value")
    return "\n".join(lines)


def _uses_result(op: Op) -> bool:
    partials = [partial for partial in PARTIALS.get(op, ()) if partial is not None]
    return any(x.attributes.name == "y" for partial in partials for x in inputs(partial))


def _on_one_line(e: Expr | None) -> str:
    """A partial derivative; parts that it shares are put in their places."""
    if e is None:
        return "0"
    *bindings, value = str(e).splitlines()
    for binding in reversed(bindings):
        name, _, part = binding.partition(" = ")
        value = value.replace(name, f"({part})")
    return value


def _of_definition(definition: Definition) -> str:
    source = definition.text.source
    line = source.line(source.position(definition.span.start)[0]).strip()
    words = [f"  {part}" for part in definition.doc.splitlines()]
    return "\n".join([line.rstrip(":"), *words])
