"""Elaborate: a syntax tree in, expressions out, definitions inlined.

This is the entry: it prepares the scope of a formula or of a definition, runs the machine, and
hands over its results. The steps are in `expressions`, `calls`, `inline` and `statements`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flux.errors import ParseError
from flux.expr import Expr, variable
from flux.expr.traverse import check_size
from flux.source import Span
from flux.syntax.calls import CALLS
from flux.syntax.definitions import Lookup, mentions
from flux.syntax.expressions import EXPRESSIONS
from flux.syntax.machine import Machine, Scope, Step
from flux.syntax.module import LIBRARY, Namespace
from flux.syntax.statements import STATEMENTS
from flux.syntax.tree import Binding, Name, Text, Tree, Value

STEPS: Mapping[type, Step] = {**EXPRESSIONS, **CALLS, **STATEMENTS}


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


def elaborate(text: Text, given: Iterable[str] = (), origins: bool = False) -> Block:
    """The meaning of a formula or block.

    Args:
        text: its syntax tree.
        given: names that the caller gives values for, which shadow constants.
        origins: whether to record which places built each expression.
    """
    if not text.statements:
        raise ParseError("the text is empty", (Span(text.source, 0, 0),), "write a formula")
    scope = _formula_scope(text)
    for name in given:
        scope.values[name] = variable(name, assumption=scope.assumptions.get(name, ""))
    machine = Machine(scope, STEPS)
    if origins:
        machine.origins = {}
    _check_values(text, text.statements)
    for statement in reversed(text.statements):
        machine.enter(statement)
    machine.run()
    if scope.result is None:
        last = text.statements[-1]
        raise ParseError("the text has no value", (text.span(last),), "end with an expression")
    check_size(scope.result)
    return Block(scope.result, scope.named, machine.origins or {})


def _formula_scope(text: Text) -> Scope:
    if "[" not in text.source.text and all(_is_plain(s) for s in text.statements):
        return Scope(text, "formula", LIBRARY)
    lookup: Lookup = Namespace(text, text.statements, LIBRARY)
    found = mentions(text, text.statements, lookup)
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


def _check_values(text: Text, statements: Sequence[Tree]) -> None:
    """Only the last line may be a bare value."""
    for statement in statements[:-1]:
        if isinstance(statement, Value):
            raise ParseError(
                "the value of this line is not used",
                (text.span(statement),),
                hint="bind it, `name = ...`, or make it the last line",
            )
