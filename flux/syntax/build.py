"""Build a definition on its own: a layer or model as a graph, a function of given expressions."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

from flux.errors import ArgumentError, AxisError, ParseError, did_you_mean
from flux.expr import Expr, Operand, constant, inputs, lift, topological
from flux.expr.traverse import check_size
from flux.ops import Op
from flux.syntax.definitions import Definition
from flux.syntax.elaborate import STEPS
from flux.syntax.graph import Graph, Parameter
from flux.syntax.inline import (
    bind_declared,
    bind_option,
    check_result,
    enter_body,
    open_body,
)
from flux.syntax.machine import Machine, Pending, Scope
from flux.syntax.numbers import constant_value
from flux.syntax.statements import input_of
from flux.syntax.tree import Call

_DRAWN = ("seed", "step")  # inputs that `random()` brings


def build_graph(definition: Definition, options: Mapping[str, int | float]) -> Graph:
    """The graph of a definition over inputs named like its formals.

    A formal without a type that is used as an index becomes an integer input, so that the body is
    elaborated once more with it. A text that says `training` is built for both of its values.
    """
    machine = _settled(definition, options, training=0)
    made = _graph(definition, machine)
    if not machine.asked_training:
        return made
    trained = _graph(definition, _settled(definition, options, training=1))
    _check_same_parameters(definition, made, trained)
    return replace(made, training=replace(trained, parameters=made.parameters))


def _check_same_parameters(definition: Definition, made: Graph, trained: Graph) -> None:
    paths, others = ({p.path: p.input for p in g.parameters} for g in (made, trained))
    if paths != others:
        path = min(set(paths) ^ set(others))
        text = f"`{definition.name}` has the parameter {path!r} only in or only out of training"
        raise ArgumentError(text, (definition.span,))


def _settled(definition: Definition, options: Mapping[str, int | float], training: int) -> Machine:
    integers: frozenset[str] = frozenset()
    while True:
        machine = _run(definition, options, integers, training)
        found = _used_as_index(definition, machine)
        if found <= integers:
            return machine
        integers = integers | found


def _run(
    definition: Definition,
    options: Mapping[str, int | float],
    integers: frozenset[str],
    training: int,
) -> Machine:
    mentions = definition.mentions
    scope = Scope(
        definition.text,
        definition.kind,
        definition.lookup,
        axes={axis: axis for axis in mentions.axes},
        declared=frozenset(mentions.declared),
        assumptions=mentions.assumptions,
        integers=integers,
    )
    machine = Machine(scope, STEPS, origins={}, training=training, model=definition.name)
    for formal in definition.formals:
        bind_declared(scope, formal, input_of(scope, formal))
    _bind_options(machine, definition, options)
    enter_body(machine, definition, {*(f.name for f in definition.formals), *options})
    machine.run()
    if scope.result is None:
        raise ParseError(f"`{definition.name}` has no value", (definition.span,))
    check_result(definition, scope, scope.result)
    check_size(scope.result, *scope.named.values())
    return machine


def _bind_options(
    machine: Machine, definition: Definition, options: Mapping[str, int | float]
) -> None:
    known = {option.name: option for option in definition.options}
    for name, value in options.items():
        if name not in known:
            hint = did_you_mean(name, list(known))
            raise ArgumentError(f"`{definition.name}` has no option `{name}`", hint=hint)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ArgumentError(f"`{name}` must be a number, not {type(value).__name__}")
        bind_option(machine.scope, known[name], constant(value), definition.span)
    for option in definition.options:
        if option.name not in options and option.default is None:
            text = f"`{definition.name}` needs the option `{option.name}`"
            raise ArgumentError(text, (definition.text.span(option.tree),))


def _used_as_index(definition: Definition, machine: Machine) -> frozenset[str]:
    """Inputs without a type that are an index somewhere."""
    declared = (*definition.formals, *machine.scope.inputs)
    free = {item.name for item in declared if not item.kind}
    found = (
        i.attributes.name
        for e in topological(_roots(machine))
        if e.op is Op.INDEX
        for i in e.args[1:]
        if i.op is Op.INPUT
    )
    return frozenset(name for name in found if name in free)


def _roots(machine: Machine) -> list[Expr]:
    assert machine.scope.result is not None
    return [*machine.scope.named.values(), machine.scope.result]


def _graph(definition: Definition, machine: Machine) -> Graph:
    scope = machine.scope
    assert scope.result is not None
    own = [scope.values[item.name] for item in (*definition.formals, *scope.inputs)]
    needed = inputs(*_roots(machine))
    drawn = [e for e in needed if e.attributes.name in _DRAWN and e not in own]
    order = definition.result.axes if definition.result is not None else None
    return Graph(
        definition.name,
        (*own, *sorted(set(drawn), key=lambda e: str(e.attributes.name))),
        _owned(machine, set(needed)),
        dict(scope.named),
        scope.result,
        {option.name: _number(scope.values[option.name]) for option in definition.options},
        machine.origins or {},
        order or (),
    )


def _owned(machine: Machine, needed: Container[Expr]) -> tuple[Parameter, ...]:
    """The parameters; where choices were made, only those that the sides taken need."""
    every = machine.parameters.values()
    return tuple(p for p in every if not machine.chose or p.input in needed)


def _number(e: Expr) -> int | float:
    value = constant_value(e)
    assert value is not None
    return int(value) if value.denominator == 1 else float(value)


def call_function(
    definition: Definition,
    args: Sequence[Operand],
    axes: Mapping[str, str],
    named: Mapping[str, Operand],
) -> Expr:
    """A function of given expressions.

    Raises:
        FluxError: wrong arguments, axes that do not fit, or a layer, which owns parameters.
    """
    if definition.kind != "function":
        text = f"`{definition.name}` is a {definition.kind}: build it"
        raise ArgumentError(text, hint=f'module["{definition.name}"].build()')
    given = _given(definition, args, named)
    for axis in axes:
        if axis not in definition.axes:
            hint = did_you_mean(axis, definition.axes)
            raise AxisError(f"`{definition.name}` has no axis {axis} in its header", hint=hint)
    header = definition.tree.header
    assert isinstance(header, Call)
    scope = Scope(definition.text, "formula", definition.lookup)
    machine = Machine(scope, STEPS, values=list(given.values()))
    names = tuple(given)
    open_body(machine, Pending(header, definition, axes, names, (header,) * len(names), ""))
    machine.run()
    result: Expr = machine.values.pop()
    check_size(result)
    return result


def _given(
    definition: Definition, args: Sequence[Operand], named: Mapping[str, Operand]
) -> dict[str, Expr]:
    formals = [formal.name for formal in definition.formals]
    known = [*formals, *(option.name for option in definition.options)]
    if len(args) > len(formals):
        raise ArgumentError(f"`{definition.name}` takes {len(formals)} arguments, not {len(args)}")
    given = {name: lift(value) for name, value in zip(formals, args, strict=False)}
    for name, value in named.items():
        if name not in known or name in given:
            text = f"`{definition.name}` has no argument `{name}`"
            raise ArgumentError(text, hint=did_you_mean(name, known))
        given[name] = lift(value)
    for item in (*definition.formals, *definition.options):
        if item.name not in given and item.default is None:
            raise ArgumentError(f"`{definition.name}` needs the argument `{item.name}`")
    return given
