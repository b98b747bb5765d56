"""Elaborate: a syntax tree in, expressions out, definitions inlined.

This is the entry: it prepares the scope of a formula or of a definition, runs the machine, and
hands over its results. The steps are in `expressions`, `calls`, `inline` and `statements`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flux.errors import FluxError, ParseError, UnknownNameError
from flux.expr import Expr, constant, variable
from flux.expr.traverse import check_size
from flux.settings import current
from flux.source import Span
from flux.syntax.calls import CALLS
from flux.syntax.check import check_functions, raise_together, unused_values
from flux.syntax.derivative import check_derivatives
from flux.syntax.expressions import EXPRESSIONS
from flux.syntax.machine import Machine, Scope, Step
from flux.syntax.mentions import mentions
from flux.syntax.module import LIBRARY, Namespace
from flux.syntax.statements import STATEMENTS
from flux.syntax.tree import Binding, Name, Text, Tree, Value

STEPS: Mapping[type, Step] = {**EXPRESSIONS, **CALLS, **STATEMENTS}


# A chain such as a<b<c makes two; only definitions and derivatives make more of a text.
_NODES_PER_CHARACTER = 2


@dataclass(frozen=True)
class Block:
    """What a formula or block means.

    Attributes:
        result: the value of its last line.
        values: what its lines bind, in order.
        origins: for each expression, the places in the text that built it.
    """

    result: Expr
    values: Mapping[str, Expr]
    origins: Mapping[Expr, tuple[Span, ...]] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Equation:
    """`left = right`; `name` where the left side is only a name."""

    left: Expr
    right: Expr
    name: str = ""


def elaborate(text: Text, given: Iterable[str] = (), origins: bool = False) -> Block:
    """The meaning of a formula or block.

    Args:
        text: its syntax tree.
        given: names that the caller gives values for, which shadow constants.
        origins: whether to record which places built each expression.
    """
    machine = _run(text, text.statements, given, origins)
    return Block(_value(machine), machine.scope.named, machine.origins or {})


def elaborate_equation(text: Text, given: Iterable[str] = ()) -> Equation:
    """The meaning of a text whose last line is an equation; without `=`, the right side is 0."""
    *before, last = text.statements or (None,)
    if not isinstance(last, Value | Binding):
        raise ParseError("the text is not an equation", (Span(text.source, 0, 0),))
    sides = [last.value] if isinstance(last, Value) else [last.target, last.value]
    lines = [tree for tree in before if tree is not None]
    named = [Value(side.start, side.end, side) for side in sides]
    values = [_value(_run(text, [*lines, side], given, False)) for side in named]
    name = sides[0].name if len(sides) == 2 and isinstance(sides[0], Name) else ""
    left, right = (*values, constant(0))[:2]
    return Equation(left, right, name)


def _value(machine: Machine) -> Expr:
    """The value of a formula that has run."""
    scope = machine.scope
    if scope.result is None:
        last = scope.text.statements[-1]
        raise ParseError("the text has no value", (scope.span(last),), "end with an expression")
    if (
        machine.multiplied
        or _NODES_PER_CHARACTER * len(scope.text.source.text) > current().max_nodes
    ):
        check_size(scope.result)
    return scope.result


def _run(text: Text, statements: Sequence[Tree], given: Iterable[str], origins: bool) -> Machine:
    """The machine after the statements of a formula."""
    if not statements:
        raise ParseError("the text is empty", (Span(text.source, 0, 0),), "write a formula")
    scope = _formula_scope(text, statements)
    for name in given:
        scope.values[name] = variable(name, assumption=scope.assumptions.get(name, ""))
    machine = Machine(scope, STEPS)
    if origins:
        machine.origins = {}
    raise_together(list(unused_values(text, statements)))
    for statement in reversed(statements):
        machine.enter(statement)
    try:
        machine.run()
    except UnknownNameError as error:
        raise_together([error, *_others(error, check_functions(text, scope.lookup))])
    return machine


def _others(error: FluxError, found: Sequence[FluxError]) -> list[FluxError]:
    """The errors at other places."""
    return [other for other in found if (other.line, other.column) != (error.line, error.column)]


def _formula_scope(text: Text, statements: Sequence[Tree]) -> Scope:
    if "[" not in text.source.text and all(_is_plain(s) for s in statements):
        return Scope(text, "formula", LIBRARY)
    lookup = Namespace(text, statements, LIBRARY)
    wrong = [error for made in lookup.values() for error in check_derivatives(made)]
    raise_together(lookup.errors or wrong)
    found = mentions(text, statements)
    return Scope(
        text,
        "formula",
        lookup,
        axes={axis: axis for axis in found.axes},
        declared=frozenset(found.declared),
        assumptions=found.assumptions,
    )


def _is_plain(statement: Tree) -> bool:
    """A line that declares and defines nothing."""
    return isinstance(statement, Value) or (
        isinstance(statement, Binding) and isinstance(statement.target, Name)
    )
