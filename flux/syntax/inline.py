"""Steps that inline definitions: a call becomes the body, with its names and axes made fit.

A call matches its arguments with the header, opens a scope whose axes `hygiene` chose, runs the
body, and hands its value to the caller; an instance of a layer does so once for each of its paths.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

from flux.errors import (
    ArgumentError,
    AxisError,
    FluxError,
    LimitError,
    ParseError,
    did_you_mean,
)
from flux.expr import Expr, constant, node, rebuild, show_axes, topological, variable
from flux.expr.node import service
from flux.ops import Op
from flux.source import Span
from flux.syntax.declared import Declared
from flux.syntax.definitions import Definition
from flux.syntax.hygiene import bind_axes
from flux.syntax.machine import Frame, Machine, Pending, Scope
from flux.syntax.numbers import constant_value
from flux.syntax.tree import Call, Index, Keyword, Name, Tree

_MAX_REPEAT = 10_000
_MAX_CALL_DEPTH = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """A layer (or function) with its own parameters: what `block()` and `repeat(block, n)` give.

    Attributes:
        axes: header axes that are rebound, as they are outside.
        options: options that are given.
        paths: one path of parameters for each time that it is applied.
    """

    definition: Definition
    axes: Mapping[str, str]
    options: Mapping[str, Expr]
    paths: tuple[str, ...]


# ---- What a call says ----------------------------------------------------------------------------


def call_definition(
    machine: Machine, tree: Call, definition: Definition, brackets: Index | None
) -> None:
    """Push the steps of a call; a layer without arguments is an instance."""
    scope = machine.scope
    _check_may_call(machine, tree, definition)
    path = _own_path(scope, definition)
    axes = _rebinding(scope, definition, brackets)
    named = _match(scope, tree, definition)
    if definition.kind != "function" and definition.formals and not tree.arguments:
        machine.later(_finish_instance, (definition, axes, path, tuple(named)))
        machine.enter_all(named.values())
        return
    _check_complete(scope, tree, definition, named)
    pending = Pending(tree, definition, axes, tuple(named), tuple(named.values()), path)
    machine.later(open_body, pending)
    machine.enter_all(named.values())


def _check_may_call(machine: Machine, tree: Call, definition: Definition) -> None:
    scope = machine.scope
    if definition.kind != "function" and scope.kind not in ("layer", "model"):
        raise ParseError(
            f"`{definition.name}` is a {definition.kind} and owns parameters; "
            f"a {scope.kind} cannot call it",
            (scope.span(tree),),
            hint="call it from a layer or a model",
        )
    _check_not_open(machine, tree, definition)


def _check_not_open(machine: Machine, tree: Tree, definition: Definition) -> None:
    span = machine.scope.span(tree)
    if any(frame.definition is definition for frame in machine.frames):
        raise ParseError(
            f"`{definition.name}` calls itself",
            (span, definition.span),
            hint="definitions are inlined, so that they cannot be recursive",
        )
    if len(machine.frames) >= _MAX_CALL_DEPTH:
        text = f"definitions call one another more than {_MAX_CALL_DEPTH} deep"
        raise LimitError(text, (span,))


def _own_path(scope: Scope, definition: Definition) -> str:
    """The path of a textual call: `attention`, then `attention_1` for the next one."""
    if definition.kind == "function":
        return scope.path
    count = scope.calls.get(definition.name, 0)
    scope.calls[definition.name] = count + 1
    name = f"{definition.name}_{count}" if count else definition.name
    return f"{scope.path}{name}."


def _rebinding(scope: Scope, definition: Definition, brackets: Index | None) -> dict[str, str]:
    """Header axes that a call's brackets rebind: `softmax[s]`, `attention[t = u]`."""
    found: dict[str, str] = {}
    for i, item in enumerate(brackets.items if brackets else ()):
        header, outer = _bracket_pair(scope, definition, i, item)
        if header in found:
            raise AxisError(f"axis {header} is bound twice", (scope.span(item),))
        found[header] = scope.axis(outer)
    return found


def _bracket_pair(scope: Scope, definition: Definition, i: int, item: Tree) -> tuple[str, str]:
    if isinstance(item, Name):
        if i >= len(definition.axes):
            text = f"`{definition.name}` has {show_axes(definition.axes)}"
            raise AxisError(text, (scope.span(item), definition.span))
        return definition.axes[i], item.name
    if isinstance(item, Keyword) and isinstance(item.name, Name) and isinstance(item.value, Name):
        if item.name.name not in definition.axes:
            text = f"`{definition.name}` has no axis {item.name.name} in its header"
            hint = did_you_mean(item.name.name, definition.axes)
            raise AxisError(text, (scope.span(item), definition.span), hint)
        return item.name.name, item.value.name
    raise ParseError("expected axes, such as `f[s](x)` or `f[t = s](x)`", (scope.span(item),))


def _match(scope: Scope, tree: Call, definition: Definition) -> dict[str, Tree]:
    """The argument trees by formal or option, in the order in which they are written."""
    known = [item.name for item in (*definition.formals, *definition.options)]
    named: dict[str, Tree] = {}
    for i, item in enumerate(tree.arguments):
        if isinstance(item, Keyword):
            _match_keyword(scope, definition, item, known, named)
        elif i >= len(definition.formals):
            raise _count_error(scope, tree, definition)
        elif definition.formals[i].name in named:
            raise ArgumentError("arguments by position come first", (scope.span(item),))
        else:
            named[definition.formals[i].name] = item
    for item in tree.options:
        if not isinstance(item, Keyword):
            raise ParseError("after `;` stands `name = value`", (scope.span(item),))
        _match_keyword(scope, definition, item, known, named)
    return named


def _match_keyword(
    scope: Scope, definition: Definition, item: Keyword, known: list[str], named: dict[str, Tree]
) -> None:
    name = item.name.name if isinstance(item.name, Name) else ""
    if name not in known:
        text = f"`{definition.name}` has no argument `{name}`"
        raise ArgumentError(text, (scope.span(item),), did_you_mean(name, known))
    if name in named:
        raise ArgumentError(f"`{name}` is given twice", (scope.span(item),))
    named[name] = item.value


def _check_complete(
    scope: Scope, tree: Call, definition: Definition, named: Mapping[str, Tree]
) -> None:
    for item in (*definition.formals, *definition.options):
        if item.name not in named and item.default is None:
            text = f"`{definition.name}` needs `{item.name}`"
            raise ArgumentError(text, (scope.span(tree), definition.span))


def _count_error(scope: Scope, tree: Call, definition: Definition) -> FluxError:
    wanted = ", ".join(item.name for item in definition.formals) or "no arguments"
    return ArgumentError(
        f"`{definition.name}` takes ({wanted}); it was given {len(tree.arguments)}",
        (scope.span(tree), definition.span),
    )


# ---- Instances -----------------------------------------------------------------------------------


def make_instance(
    machine: Machine, tree: Tree, definition: Definition, brackets: Index | None
) -> Instance:
    """A layer with parameters of its own, not applied yet."""
    if definition.kind != "function" and machine.scope.kind not in ("layer", "model"):
        text = f"a {machine.scope.kind} cannot own the parameters of `{definition.name}`"
        raise ParseError(text, (machine.span(tree),), "repeat it in a layer or a model")
    _check_not_open(machine, tree, definition)
    axes = _rebinding(machine.scope, definition, brackets)
    return Instance(definition, axes, {}, (_own_path(machine.scope, definition),))


def _finish_instance(
    machine: Machine,
    payload: tuple[Definition, Mapping[str, str], str, tuple[str, ...]],
) -> None:
    definition, axes, path, names = payload
    values = machine.take(len(names))
    options = dict(zip(names, values, strict=True))
    machine.values.append(Instance(definition, axes, options, (path,)))


def repeated(scope: Scope, tree: Call, instance: Instance, count: int) -> Instance:
    """The instance applied `count` times, each with its own parameters."""
    if not 0 <= count <= _MAX_REPEAT:
        text = f"a layer is repeated 0 to {_MAX_REPEAT} times, not {count}"
        raise ArgumentError(text, (scope.span(tree),))
    path = instance.paths[0]
    return replace(instance, paths=tuple(f"{path}{i}." for i in range(count)))


def call_instance(machine: Machine, tree: Call, instance: Instance) -> None:
    """Push the steps of a call of an instance."""
    named = _match(machine.scope, tree, instance.definition)
    known = {**named, **dict.fromkeys(instance.options, tree)}
    _check_complete(machine.scope, tree, instance.definition, known)
    machine.later(_finish_instance_call, (tree, instance, named))
    machine.enter_all(named.values())


def _finish_instance_call(
    machine: Machine, payload: tuple[Call, Instance, Mapping[str, Tree]]
) -> None:
    """Apply an instance: once for each of its paths, each on the value of the one before."""
    tree, instance, named = payload
    given = dict(zip(named, machine.take(len(named)), strict=True))
    given.update((name, e) for name, e in instance.options.items() if name not in given)
    first = next((f.name for f in instance.definition.formals if f.name in given), None)
    if first is None:
        raise _count_error(machine.scope, tree, instance.definition)
    machine.values.append(given.pop(first))
    names = (first, *given)
    places = tuple(named.get(name, tree) for name in names)
    for path in reversed(instance.paths):
        pending = Pending(tree, instance.definition, instance.axes, names, places, path)
        machine.later(_apply_once, (pending, tuple(given.values())))


def _apply_once(machine: Machine, payload: tuple[Pending, tuple[Expr, ...]]) -> None:
    pending, rest = payload
    machine.values.extend(rest)
    open_body(machine, pending)


# ---- The body ------------------------------------------------------------------------------------


def open_body(machine: Machine, pending: Pending) -> None:
    """Enter the body of a definition, its arguments being on the stack."""
    machine.count_call()
    definition, caller = pending.definition, machine.scope
    given = dict(zip(pending.names, machine.take(len(pending.names)), strict=True))
    for name, value in given.items():
        if not isinstance(value, Expr):
            place = pending.places[pending.names.index(name)]
            raise ArgumentError(f"`{name}` must be a value", (caller.span(place),))
    places = dict(zip(pending.names, pending.places, strict=True))
    axes = bind_axes(caller, pending, given, places)
    derivatives = _derivatives(machine, definition)
    bound = tuple(sorted(axes.items()))
    key = (definition, tuple(given.items()), bound, machine.random, bool(derivatives))
    if key in machine.memo:
        machine.values.append(machine.memo[key])
        return
    scope = Scope(
        definition.text,
        definition.kind,
        definition.lookup,
        axes=axes,
        declared=frozenset(axes[axis] for axis in definition.mentions.declared),
        path=pending.path,
    )
    call = _Opened(pending, caller, scope, key, derivatives, {}, {})
    _bind_formals(machine, call, given)
    machine.frames.append(Frame(definition, caller, pending.tree))
    machine.scope = scope
    machine.later(_leave, call)
    enter_body(machine, definition, given)


def enter_body(machine: Machine, definition: Definition, given: Container[str]) -> None:
    """Push the steps of a body, after those of what is not given."""
    for statement in reversed(definition.body):
        machine.enter(statement)
    for item in reversed((*definition.formals, *definition.options)):
        if item.name not in given and item.default is not None:
            machine.later(_bind_default, item)
            machine.enter(item.default)


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    pending: Pending
    caller: Scope
    scope: Scope
    key: tuple[object, ...]
    derivatives: Mapping[str, Definition]
    placeholders: dict[Expr, Expr]
    given: dict[str, Expr]


def _derivatives(machine: Machine, definition: Definition) -> Mapping[str, Definition]:
    """A definition's own derivatives; none inside one of them, which may call the function."""
    own = definition.derivatives.values()
    inside = any(frame.definition in own for frame in machine.frames)
    return {} if inside else definition.derivatives


def _bind_formals(machine: Machine, call: _Opened, given: Mapping[str, Expr]) -> None:
    definition, scope = call.pending.definition, call.scope
    for formal in definition.formals:
        if formal.name not in given:
            continue
        value = given[formal.name]
        call.given[formal.name] = value
        stated = formal.name in call.derivatives
        if formal.name in definition.mentions.by or (call.derivatives and not stated):
            value = _placeholder(machine, formal.name, value)
            call.placeholders[value] = given[formal.name]
        bind_declared(scope, formal, value)
    places = dict(zip(call.pending.names, call.pending.places, strict=True))
    for option in definition.options:
        if option.name in given:
            place = call.caller.span(places[option.name])
            bind_option(scope, option, given[option.name], place)


def _placeholder(machine: Machine, name: str, value: Expr) -> Expr:
    """An input that stands for an argument by which the body takes a derivative."""
    machine.placeholders += 1
    return variable(f"\0{name}{machine.placeholders}", sorted(value.axes))


def bind_declared(scope: Scope, item: Declared, value: Expr) -> None:
    """Give a formal its value, and its axes their order."""
    scope.values[item.name] = value
    scope.places[item.name] = item.tree
    if item.axes is not None:
        scope.orders[item.name] = tuple(scope.axis(axis) for axis in item.axes)


def bind_option(scope: Scope, option: Declared, value: Expr, place: Span) -> None:
    """Give an option its number."""
    number = constant_value(value)
    whole = number is not None and number.denominator == 1
    if number is None or (option.kind == "int" and not whole):
        kind = "a whole number" if option.kind == "int" else "a number"
        text = f"`{option.name}` must be {kind} known in advance"
        raise ArgumentError(text, (place,))
    scope.values[option.name] = constant(int(number)) if whole and option.kind == "int" else value
    scope.places[option.name] = option.tree


def _bind_default(machine: Machine, item: Declared) -> None:
    scope = machine.scope
    assert item.default is not None
    value = machine.values.pop()
    if item.kind and item.axes is None:
        bind_option(scope, item, value, scope.span(item.default))
    else:
        bind_declared(scope, item, value)


def _leave(machine: Machine, call: _Opened) -> None:
    """Check the result of a body and hand it to the caller."""
    definition, scope = call.pending.definition, call.scope
    result = scope.result
    if result is None:
        raise ParseError(f"`{definition.name}` has no value", (definition.span,))
    check_result(definition, scope, result)
    machine.scope = call.caller
    machine.frames.pop()
    if call.derivatives:
        _state_derivatives(machine, call, result)
        return
    _finish(machine, call, _substitute(result, call.placeholders))


def _finish(machine: Machine, call: _Opened, result: Expr) -> None:
    if call.pending.definition.kind == "function" and machine.random is None:
        machine.memo[call.key] = result
    machine.values.append(result)
    if machine.origins is not None:
        machine.note_origin(result, call.pending.tree)


def check_result(definition: Definition, scope: Scope, result: Expr) -> None:
    """A local axis must not leave the body, and the header's `->` must name the axes."""
    own = {scope.axes[axis]: axis for axis in scope.axes if axis not in definition.axes}
    leaving = [] if definition.kind == "model" else sorted(own[a] for a in result.axes if a in own)
    if leaving:
        listed = ", ".join((*definition.brackets, leaving[0]))
        raise AxisError(
            f"axis {leaving[0]} is local to `{definition.name}` but its value has it",
            (definition.span,),
            hint=f"reduce over it, or add it to the header: `{definition.name}[{listed}](...)`",
        )
    wanted = definition.result.axes if definition.result is not None else None
    if wanted is not None and {scope.axis(axis) for axis in wanted} - result.axes:
        text = f"the header gives {show_axes(wanted)}, the value has {show_axes(result.axes)}"
        raise AxisError(text, (definition.span,))


def _substitute(e: Expr, replacements: Mapping[Expr, Expr]) -> Expr:
    if not replacements:
        return e
    made: dict[Expr, Expr] = dict(replacements)
    for part in topological((e,)):
        if part not in made:
            made[part] = rebuild(part, tuple(made[arg] for arg in part.args))
    return made[e]


# ---- A definition's own derivative ---------------------------------------------------------------


def _state_derivatives(machine: Machine, call: _Opened, result: Expr) -> None:
    """Push the calls of a definition's own derivatives; then state them beside the value.

    What the definition does not state is derived, so that every derivative of a derivative is one
    of the same function.
    """
    derived = {
        actual: service("diff")(result, placeholder, 1)
        for placeholder, actual in call.placeholders.items()
    }
    partials = [(x, _substitute(e, call.placeholders)) for x, e in derived.items()]
    machine.later(_finish_custom, (call, _substitute(result, call.placeholders), partials))
    for derivative in reversed([*call.derivatives.values()]):
        machine.later(_open_derivative, (call, derivative))


def _open_derivative(machine: Machine, payload: tuple[_Opened, Definition]) -> None:
    """Call a derivative with the arguments of its function, the defaults included."""
    call, derivative = payload
    formals = call.pending.definition.formals
    machine.values.extend(call.given.get(f.name, call.scope.values[f.name]) for f in formals)
    names = tuple(formal.name for formal in derivative.formals)
    tree, path = call.pending.tree, call.caller.path
    pending = Pending(tree, derivative, call.pending.axes, names, (tree,) * len(names), path)
    open_body(machine, pending)


def _finish_custom(
    machine: Machine, payload: tuple[_Opened, Expr, list[tuple[Expr, Expr]]]
) -> None:
    call, value, derived = payload
    stated = machine.take(len(call.derivatives))
    actuals = [call.given.get(name, call.scope.values[name]) for name in call.derivatives]
    pairs = [*derived, *zip(actuals, stated, strict=True)]
    operands = [value, *(e for pair in pairs for e in pair)]
    extra = frozenset[str]().union(*(e.axes for e in operands)) - value.axes
    if extra:
        definition = call.pending.definition
        text = f"`{definition.name}` has its own derivative, but its value lacks {show_axes(extra)}"
        hint = "its value must have every axis of its arguments"
        raise AxisError(text, (machine.span(call.pending.tree), definition.span), hint)
    _finish(machine, call, node(Op.CUSTOM, tuple(operands)))
