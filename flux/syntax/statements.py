"""Steps for lines: values, bindings, declarations, parameters."""

from __future__ import annotations

from collections.abc import Mapping

from flux.errors import AxisError, ParseError
from flux.expr import Expr, inputs, rename, show_axes, variable
from flux.syntax.declared import Declared, declared
from flux.syntax.graph import Parameter
from flux.syntax.machine import Machine, Scope, Step
from flux.syntax.tree import (
    Binding,
    Call,
    Declaration,
    Define,
    Index,
    Name,
    Param,
    Tree,
    Value,
)

# ---- Values and bindings -------------------------------------------------------------------------


def _value(machine: Machine, tree: Value) -> None:
    machine.work.append((_finish_value, tree))
    machine.enter(tree.value)


def _finish_value(machine: Machine, tree: Value) -> None:
    machine.scope.result = as_value(machine.scope, tree.value, machine.values.pop())


def as_value(scope: Scope, tree: Tree, value: object) -> Expr:
    """The value itself, where it is an expression rather than a layer."""
    if isinstance(value, Expr):
        return value
    raise ParseError("this is a layer, not a value", (scope.span(tree),), "call it: `f(x)`")


def _binding(machine: Machine, tree: Binding) -> None:
    if isinstance(tree.target, Call):
        return  # a one-line definition, read before the first line
    target = tree.target.target if isinstance(tree.target, Index) else tree.target
    if not isinstance(target, Name):
        raise ParseError(
            "only a name can be bound by `=`",
            (machine.span(tree.target),),
            hint="compare with `==`; a formula is a value, not an equation",
        )
    machine.work.append((_finish_binding, tree))
    machine.enter(tree.value)


def _finish_binding(machine: Machine, tree: Binding) -> None:
    scope, value = machine.scope, machine.values.pop()
    target = tree.target
    if isinstance(target, Index):
        _check_declared_axes(scope, target, as_value(scope, tree.value, value))
        target = target.target
    assert isinstance(target, Name)
    _bind_name(scope, target, value)
    if isinstance(value, Expr):
        scope.result = value
        if machine.origins is not None:
            machine.note_origin(value, tree)


def _bind_name(scope: Scope, tree: Name, value: object) -> None:
    """Bind a name by `name = value`."""
    name = tree.name
    if name in scope.implicit:
        place = scope.places[name]
        raise ParseError(
            f"`{name}` is used before it is bound",
            (scope.span(tree), scope.span(place)),
            hint="give one of the two another name",
        )
    if name in scope.places:
        place = scope.places[name]
        text = f"`{name}` is already bound, on line {scope.span(place).line}"
        raise ParseError(text, (scope.span(tree),), "names are bound once")
    scope.values[name] = value
    scope.places[name] = tree
    if isinstance(value, Expr):
        scope.named[name] = value


def _check_declared_axes(scope: Scope, target: Index, value: Expr) -> None:
    names = [item.name for item in target.items if isinstance(item, Name)]
    if {scope.axis(name) for name in names} != value.axes:
        text = f"this says {show_axes(tuple(names))}, the value has {show_axes(value.axes)}"
        raise AxisError(text, (scope.span(target),))


# ---- Declarations --------------------------------------------------------------------------------


def _declaration(machine: Machine, tree: Declaration) -> None:
    scope = machine.scope
    if tree.word == "axis":
        return
    if scope.kind not in ("formula", "model"):
        hint = f"a {scope.kind}'s inputs are its arguments"
        raise ParseError(f"`{tree.word}` is for formulas and models", (scope.span(tree),), hint)
    if tree.word == "assume":
        return
    for item in tree.items:
        _declare_input(scope, declared(scope.text, item))


def _declare_input(scope: Scope, item: Declared) -> None:
    if item.default is not None:
        raise ParseError("an input has no value here", (scope.span(item.tree),), "bind it: `x = 1`")
    if item.name in scope.places:
        text = f"`{item.name}` is already there"
        raise ParseError(
            text,
            (scope.span(item.tree), scope.span(scope.places[item.name])),
            hint="declare inputs before they are used",
        )
    scope.inputs.append(item)
    scope.values[item.name] = input_of(scope, item)
    scope.places[item.name] = item.tree
    if item.axes is not None:
        scope.orders[item.name] = item.axes


def input_of(scope: Scope, item: Declared) -> Expr:
    """The input that a declaration makes."""
    return variable(
        item.name,
        item.axes or (),
        integer=item.kind == "int" or item.name in scope.integers,
        assumption=scope.assumptions.get(item.name, ""),
    )


# ---- Parameters ----------------------------------------------------------------------------------


def _param(machine: Machine, tree: Param) -> None:
    """Push the steps of each parameter; one without an initial value has that of a later one."""
    scope = machine.scope
    if scope.kind not in ("layer", "model"):
        text = f"a {scope.kind} has no parameters"
        raise ParseError(text, (scope.span(tree),), "make it a `layer`")
    items = [declared(scope.text, item) for item in tree.items]
    initial = tree.initial
    if initial is not None and any(item.default is not None for item in items):
        raise ParseError("either `=` or `~` gives initial values", (scope.span(tree),))
    steps: list[tuple[Declared, Tree]] = []
    for item in reversed(items):
        initial = item.default if item.default is not None else initial
        if initial is None:
            raise ParseError(
                f"`{item.name}` has no initial value",
                (scope.span(item.tree),),
                hint="such as `~ normal(0, 0.02)` or `= 0`",
            )
        steps.append((item, initial))
    for item, start in steps:
        machine.later(_one_param, (item, start))


def _one_param(machine: Machine, payload: tuple[Declared, Tree]) -> None:
    item, initial = payload
    scope = machine.scope
    if item.name in scope.places:
        places = (scope.span(item.tree), scope.span(scope.places[item.name]))
        raise ParseError(f"`{item.name}` is already there", places, "names are bound once")
    path = f"{scope.path}{item.name}"
    axes = tuple(scope.axis(axis) for axis in item.axes or ())
    scope.places[item.name] = item.tree
    scope.orders[item.name] = axes
    known = machine.parameters.get(path)
    if known is not None:
        scope.values[item.name] = _shared(scope, item, known, axes)
        return
    machine.random = (path, axes)
    machine.later(_finish_param, (item, path, axes))
    machine.enter(initial)


def _shared(scope: Scope, item: Declared, known: Parameter, axes: tuple[str, ...]) -> Expr:
    """A parameter that an earlier call of the same instance made, under this call's axes."""
    return rename(known.input, dict(zip(known.input.attributes.axes, axes, strict=True)))


def _finish_param(machine: Machine, payload: tuple[Declared, str, tuple[str, ...]]) -> None:
    item, path, axes = payload
    scope = machine.scope
    machine.random = None
    initial = as_value(scope, item.tree, machine.values.pop())
    span = scope.span(item.tree)
    for e in inputs(initial):
        if e.attributes.name != "seed":
            text = f"the initial value of `{item.name}` depends on `{e.attributes.name}`"
            raise ParseError(text, (span,), "it may use numbers, options, sizes and positions")
    if not initial.axes <= set(axes):
        text = f"`{item.name}` has {show_axes(axes)}, its initial value {show_axes(initial.axes)}"
        raise AxisError(text, (span,))
    made = variable(path, axes)
    machine.parameters[path] = Parameter(path, made, initial, span)
    scope.values[item.name] = made


def _define(machine: Machine, tree: Define) -> None:
    """A definition among the lines was read before the first of them."""


STATEMENTS: Mapping[type, Step] = {
    Value: _value,
    Binding: _binding,
    Declaration: _declaration,
    Param: _param,
    Define: _define,
}
