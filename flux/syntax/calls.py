"""Steps for calls: operations, reductions, special forms, definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from flux.errors import (
    ArgumentError,
    AxisError,
    FluxError,
    ParseError,
    UnknownNameError,
    did_you_mean,
)
from flux.expr import Expr, node, random, reduce, show_axes, size, variable
from flux.expr.node import service
from flux.ops import Op
from flux.syntax.expressions import axis_names
from flux.syntax.functions import (
    FOLDED_FUNCTIONS,
    FUNCTION_NAMES,
    POINTWISE_FUNCTIONS,
    REDUCTION_FUNCTIONS,
)
from flux.syntax.inline import Instance, call_definition, call_instance, make_instance, repeated
from flux.syntax.machine import Machine, Scope, Step
from flux.syntax.numbers import constant_value
from flux.syntax.tree import Call, Index, Keyword, Name, Tree
from flux.syntax.unknown import unknown_function


class _Callee(NamedTuple):
    name: str
    tree: Name
    brackets: Index | None


def _call(machine: Machine, tree: Call) -> None:
    """Push what a call needs: what is called decides how its arguments are read."""
    scope = machine.scope
    if isinstance(tree.function, Call):
        machine.later(_apply, tree)
        machine.enter(tree.function)
        return
    callee = _callee(scope, tree.function)
    value = scope.values.get(callee.name)
    if isinstance(value, Instance):
        call_instance(machine, tree, value)
        return
    definition = None if callee.tree.quoted else scope.lookup.find(callee.name)
    if definition is not None:
        call_definition(machine, tree, definition, callee.brackets)
        return
    for table in (_SPECIAL, _BUILTIN):
        if callee.name in table and not callee.tree.quoted:
            table[callee.name](machine, tree, callee)
            return
    raise _unknown_function(scope, callee)


def _callee(scope: Scope, tree: Tree) -> _Callee:
    brackets = tree if isinstance(tree, Index) else None
    name = brackets.target if brackets else tree
    if not isinstance(name, Name):
        raise ParseError("this is not a function", (scope.span(tree),), "multiplication is `*`")
    return _Callee(name.name, name, brackets)


def _unknown_function(scope: Scope, callee: _Callee) -> UnknownNameError:
    values = {*scope.values, *scope.axes}
    return unknown_function(scope.span(callee.tree), callee.name, values, scope.lookup)


def _apply(machine: Machine, tree: Call) -> None:
    function = machine.values.pop()
    if not isinstance(function, Instance):
        hint = "multiplication is written `*`"
        raise ParseError("this is not a function", (machine.span(tree.function),), hint)
    call_instance(machine, tree, function)


# ---- Operations ----------------------------------------------------------------------------------


def _plain_arguments(machine: Machine, tree: Call, name: str) -> None:
    """Operations take values by position only."""
    wrong = [item for item in tree.arguments if isinstance(item, Keyword)]
    for item in (*wrong, *tree.options):
        text = f"`{name}` takes its arguments by position"
        raise ArgumentError(text, (machine.span(item),))


def _pointwise(machine: Machine, tree: Call, callee: _Callee) -> None:
    op = POINTWISE_FUNCTIONS[callee.name]
    _plain_arguments(machine, tree, callee.name)
    if callee.brackets:
        hint = f"write `{callee.name}(x)`: it acts on each element"
        raise AxisError(f"`{callee.name}` takes no axes", (machine.span(callee.brackets),), hint)
    if not _fits(op, len(tree.arguments)):
        wanted = _ODD if op.row.arity < 0 else str(op.row.arity)
        raise wrong_count(machine.scope, tree, callee.name, wanted)
    machine.later(_finish_pointwise, (op, tree))
    machine.enter_all(tree.arguments)


_ODD = "an odd number, 3 or more,"


def _fits(op: Op, count: int) -> bool:
    """Whether an operation takes so many operands; `custom` takes a value and pairs."""
    arity = op.row.arity
    return count == arity if arity >= 0 else count >= 3 and count % 2 == 1


def wrong_count(scope: Scope, tree: Call, name: str, expected: str) -> ArgumentError:
    """The error for a wrong number of arguments."""
    unit = "argument" if expected == "1" else "arguments"
    text = f"`{name}` takes {expected} {unit}, not {len(tree.arguments)}"
    return ArgumentError(text, (scope.span(tree),))


def _finish_pointwise(machine: Machine, payload: tuple[Op, Call]) -> None:
    op, tree = payload
    machine.values.append(node(op, tuple(machine.take(len(tree.arguments)))))
    _note(machine, tree)


def _note(machine: Machine, tree: Tree) -> None:
    if machine.origins is not None:
        machine.note_origin(machine.values[-1], tree)


def _folded_or_reduction(machine: Machine, tree: Call, callee: _Callee) -> None:
    (_reduction if callee.brackets else _folded)(machine, tree, callee)


def _folded(machine: Machine, tree: Call, callee: _Callee) -> None:
    _plain_arguments(machine, tree, callee.name)
    if len(tree.arguments) < 2:
        error = wrong_count(machine.scope, tree, callee.name, "two or more")
        error.hint = f"over an axis it is written `{callee.name}[axis](x)`"
        raise error
    machine.later(_finish_folded, (FOLDED_FUNCTIONS[callee.name], tree))
    machine.enter_all(tree.arguments)


def _finish_folded(machine: Machine, payload: tuple[Op, Call]) -> None:
    op, tree = payload
    made, *rest = machine.take(len(tree.arguments))
    for value in rest:
        made = node(op, (made, value))
    machine.values.append(made)
    _note(machine, tree)


# ---- Reductions ----------------------------------------------------------------------------------


def _reduction(machine: Machine, tree: Call, callee: _Callee) -> None:
    _plain_arguments(machine, tree, callee.name)
    if callee.brackets is None:
        hint = f"say over which axes: `{callee.name}[t](x)`"
        raise AxisError(f"`{callee.name}` needs axes", (machine.span(tree),), hint)
    if len(tree.arguments) != 1:
        raise wrong_count(machine.scope, tree, callee.name, "1")
    machine.later(_finish_reduction, (tree, callee))
    machine.enter(tree.arguments[0])


def _finish_reduction(machine: Machine, payload: tuple[Call, _Callee]) -> None:
    tree, callee = payload
    assert callee.brackets is not None
    scope = machine.scope
    x: Expr = machine.values.pop()
    axes = [scope.axis(name) for name in axis_names(scope, callee.brackets)]
    for axis in axes:
        if axis not in x.axes and axis not in scope.declared:
            text = f"no value here has an axis {axis}: this one has {show_axes(x.axes)}"
            hint = did_you_mean(axis, sorted(x.axes | scope.declared))
            hint = hint or f"axes are declared, such as `input x[{axis}]`"
            raise AxisError(text, (scope.span(tree),), hint)
    if callee.name == "argmax" and len(axes) != 1:
        raise AxisError("`argmax` takes one axis", (scope.span(callee.brackets),))
    machine.values.append(_reduced(callee.name, x, axes))
    _note(machine, tree)


def _reduced(name: str, x: Expr, axes: list[str]) -> Expr:
    if name != "mean":
        return reduce(REDUCTION_FUNCTIONS[name], x, axes)
    count = size(axes[0])
    for axis in axes[1:]:
        count = count * size(axis)
    return reduce(Op.SUM, x, axes) / count


# ---- Special forms -------------------------------------------------------------------------------


_MAX_ORDER = 1_000
_DERIVATIVE = "a derivative is taken by"


def _diff(machine: Machine, tree: Call, callee: _Callee) -> None:
    if len(tree.arguments) not in (2, 3):
        raise wrong_count(machine.scope, tree, "diff", "2 or 3")
    machine.later(_finish_diff, tree)
    machine.enter_all(tree.arguments)


def _finish_diff(machine: Machine, tree: Call) -> None:
    e, by, *rest = machine.take(len(tree.arguments))
    order = as_integer(machine.scope, tree.arguments[2], rest[0]) if rest else 1
    if not 0 <= order <= _MAX_ORDER:
        text = f"a derivative is of order 0 to {_MAX_ORDER}, not {order}"
        raise ArgumentError(text, (machine.span(tree.arguments[2]),))
    _check_input(machine, tree.arguments[1], by)
    machine.count_differentiated(tree, e)
    machine.values.append(service("diff")(e, by, order))
    _note(machine, tree)


def _grad(machine: Machine, tree: Call, callee: _Callee) -> None:
    if len(tree.arguments) != 2:
        raise wrong_count(machine.scope, tree, "grad", "2")
    machine.later(_finish_grad, tree)
    machine.enter_all(tree.arguments)


def _finish_grad(machine: Machine, tree: Call) -> None:
    e, by = machine.take(2)
    _check_input(machine, tree.arguments[1], by)
    if e.axes:
        raise AxisError(
            f"a gradient is of a scalar; this value has {show_axes(e.axes)}",
            (machine.span(tree.arguments[0]),),
            hint="reduce it first, such as `sum[t](...)` or `mean[t](...)`",
        )
    machine.count_differentiated(tree, e)
    machine.values.append(service("gradient")(e, [by])[0])
    _note(machine, tree)


def _root(machine: Machine, tree: Call, callee: _Callee) -> None:
    if len(tree.arguments) not in (3, 4):
        raise wrong_count(machine.scope, tree, "root", "3 or 4")
    machine.later(_finish_root, tree)
    machine.enter_all(tree.arguments)


def _finish_root(machine: Machine, tree: Call) -> None:
    e, by, first, *rest = machine.take(len(tree.arguments))
    _check_input(machine, tree.arguments[1], by, "a root is sought for")
    machine.count_differentiated(tree, e)
    machine.values.append(_placed_root(machine, tree, e, by.attributes.name, [first, *rest]))
    _note(machine, tree)


def _placed_root(machine: Machine, tree: Call, e: Expr, x: str, places: Sequence[Expr]) -> Expr:
    """The root of e from a start, or between two places; its errors get the call's place."""
    start = places[0] if len(places) == 1 else None
    bracket = None if start is not None else tuple(places)
    try:
        found: Expr = service("root")(e, x, start, bracket)
    except FluxError as error:
        raise type(error)(error.text, (machine.span(tree),), error.hint) from None
    return found


def _check_input(machine: Machine, tree: Tree, by: object, what: str = _DERIVATIVE) -> None:
    if not isinstance(tree, Name) or not isinstance(by, Expr) or by.op is not Op.INPUT:
        raise ArgumentError(
            f"{what} an input, a parameter or an argument of this definition",
            (machine.span(tree),),
        )


def as_integer(scope: Scope, tree: Tree, e: object) -> int:
    """The whole number that a value is, where it is one before anything runs."""
    value = constant_value(e) if isinstance(e, Expr) else None
    if value is None or value != int(value):
        raise ArgumentError("expected a whole number known in advance", (scope.span(tree),))
    return int(value)


def _random(machine: Machine, tree: Call, callee: _Callee) -> None:
    machine.later(_finish_random, (tree, callee))
    machine.enter_all(tree.arguments[1:] if len(tree.arguments) == 3 else tree.arguments)


def _finish_random(machine: Machine, payload: tuple[Call, _Callee]) -> None:
    tree, callee = payload
    scope = machine.scope
    brackets = axis_names(scope, callee.brackets) if callee.brackets else []
    axes = tuple(scope.axis(name) for name in brackets)
    if len(tree.arguments) == 3:
        site = tree.arguments[0]
        if not isinstance(site, Name) or not site.quoted:
            raise ParseError("the site of `random` stands in backticks", (scope.span(site),))
        seed, step = machine.take(2)
        machine.values.append(random(site.name, axes, seed, step))
        return
    if tree.arguments:
        raise wrong_count(scope, tree, "random", "0 or 3")
    machine.values.append(_draw(machine, tree, axes))


def _draw(machine: Machine, tree: Call, axes: tuple[str, ...]) -> Expr:
    """The next stream of the parameter that is being initialised, or of this layer."""
    if machine.random is not None:
        path, own = machine.random
        count = machine.draws.get(path, 0)
        machine.draws[path] = count + 1
        site = f"{path}.{count}" if count else path
        return random(site, axes or own, variable("seed", integer=True), 0)
    if machine.scope.kind not in ("layer", "model"):
        text = "`random()` is for initial values and layers"
        raise ArgumentError(text, (machine.span(tree),), "formulas have no randomness")
    path = f"{machine.scope.path}random"
    count = machine.draws.get(path, 0)
    machine.draws[path] = count + 1
    return random(
        f"{path}.{count}", axes, variable("seed", integer=True), variable("step", integer=True)
    )


def _repeat(machine: Machine, tree: Call, callee: _Callee) -> None:
    if len(tree.arguments) != 2:
        raise wrong_count(machine.scope, tree, "repeat", "2")
    function = _callee(machine.scope, tree.arguments[0])
    definition = machine.scope.lookup.find(function.name)
    if definition is None and function.name in FUNCTION_NAMES:
        text = f"`{function.name}` is an operation; `repeat` takes a definition"
        hint = f"define `f(x) = {function.name}(x)` and repeat that"
        raise ArgumentError(text, (machine.span(function.tree),), hint)
    if definition is None:
        raise _unknown_function(machine.scope, function)
    machine.later(
        _finish_repeat, (tree, make_instance(machine, tree, definition, function.brackets))
    )
    machine.enter(tree.arguments[1])


def _finish_repeat(machine: Machine, payload: tuple[Call, Instance]) -> None:
    tree, instance = payload
    count = as_integer(machine.scope, tree.arguments[1], machine.values.pop())
    machine.values.append(repeated(machine.scope, tree, instance, count))


_Form = Callable[[Machine, Call, _Callee], None]

_SPECIAL: Mapping[str, _Form] = {
    "diff": _diff,
    "grad": _grad,
    "random": _random,
    "repeat": _repeat,
    "root": _root,
}

_BUILTIN: Mapping[str, _Form] = {
    **dict.fromkeys(POINTWISE_FUNCTIONS, _pointwise),
    **dict.fromkeys(REDUCTION_FUNCTIONS, _reduction),
    **dict.fromkeys(FOLDED_FUNCTIONS, _folded_or_reduction),
    "mean": _reduction,
}

CALLS: Mapping[type, Step] = {Call: _call}
