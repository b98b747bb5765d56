"""Steps for expressions: numbers, names, operators, indices."""

from __future__ import annotations

from collections.abc import Mapping

from flux.errors import AxisError, LimitError, ParseError, did_you_mean
from flux.expr import (
    Expr,
    constant,
    node,
    position,
    rename,
    renames_among,
    show_axes,
    size,
    variable,
)
from flux.ops import Op
from flux.settings import current
from flux.syntax.functions import (
    BINARY_OPERATORS,
    PREFIX_OPERATORS,
    TRAINING,
    named_constant,
    number,
)
from flux.syntax.machine import Machine, Scope, Step
from flux.syntax.numbers import constant_value
from flux.syntax.tree import (
    Binary,
    Chain,
    Choice,
    Index,
    Keyword,
    Name,
    Number,
    Prefix,
    Tree,
    Typed,
)
from flux.syntax.unknown import unknown_value

_OWNERS = ("layer", "model")  # definitions that are built, not evaluated


def _number(machine: Machine, tree: Number) -> None:
    made = number(tree.text)
    if made is None:
        raise ParseError(
            f"the exponent of `{tree.text[:40]}` is out of range",
            (machine.span(tree),),
            hint="a float64 ends at 1.8e308",
        )
    machine.values.append(made)


# ---- Names ---------------------------------------------------------------------------------------


def _name(machine: Machine, tree: Name) -> None:
    value = machine.scope.values.get(tree.name)
    if isinstance(value, Expr) and (tree.quoted or tree.name not in machine.scope.axes):
        machine.values.append(value)  # most names
        if machine.origins is not None:
            machine.note_origin(value, tree)
        return
    owned = machine.parameters.get(tree.name) if tree.quoted else None
    if owned is not None and tree.name not in machine.scope.values:
        machine.values.append(owned.input)  # a layer's parameter, by its path
        return
    if _is_training(machine.scope, tree):
        machine.asked_training = True
        machine.values.append(constant(machine.training))
        return
    machine.values.append(resolve(machine.scope, tree))
    _note(machine, tree)


def _is_training(scope: Scope, tree: Name) -> bool:
    free = tree.name not in scope.values and tree.name not in scope.axes
    return tree.name == TRAINING and not tree.quoted and free and scope.kind in _OWNERS


def resolve(scope: Scope, tree: Name) -> Expr:
    """What a name stands for: an axis's position, a value, a constant, or an input.

    Raises:
        UnknownNameError: a definition does not know the name.
    """
    name = tree.name
    if not tree.quoted and name in scope.axes:
        return position(scope.axes[name])
    value = scope.values.get(name)
    if value is not None:
        return _expression(scope, tree, value)
    if not tree.quoted:
        known = named_constant(name)
        if known is not None:
            return known
    if scope.kind != "formula":
        if tree.is_text:
            return variable(name)
        names = [*scope.values, *scope.axes]
        raise unknown_value(scope.span(tree), name, names, scope.lookup)
    if scope.lookup.defines(name) and not tree.quoted:
        text, hint = f"`{name}` is a definition, not a value", f"write `{name}(...)`"
        raise ParseError(text, (scope.span(tree),), hint)
    scope.implicit.add(name)
    if len(scope.implicit) > current().max_names:
        text = f"the text has more than {current().max_names} names (setting max_names)"
        raise LimitError(text, (scope.span(tree),))
    made = variable(name, assumption=scope.assumptions.get(name, ""))
    scope.values[name] = made
    scope.places.setdefault(name, tree)
    return made


def _expression(scope: Scope, tree: Name, value: object) -> Expr:
    if isinstance(value, Expr):
        return value
    raise ParseError(
        f"`{tree.name}` is a layer, not a value",
        (scope.span(tree),),
        hint=f"write `{tree.name}(x)`",
    )


# ---- Operators -----------------------------------------------------------------------------------


def _prefix(machine: Machine, tree: Prefix) -> None:
    if tree.operator == "+":
        machine.enter(tree.operand)
        return
    machine.later(_finish_prefix, tree)
    machine.enter(tree.operand)


def _finish_prefix(machine: Machine, tree: Prefix) -> None:
    machine.values[-1] = node(PREFIX_OPERATORS[tree.operator], (machine.values[-1],))
    _note(machine, tree)


def _binary(machine: Machine, tree: Binary) -> None:
    """Push the operands, left one first; a name or number is done with at once."""
    left, right = tree.left, tree.right
    on_left, on_right = machine.steps[type(left)], machine.steps[type(right)]
    if on_left not in _LEAVES:
        machine.work += ((_finish_binary, tree), (on_right, right), (on_left, left))
        return
    on_left(machine, left)
    if on_right not in _LEAVES:
        machine.work += ((_finish_binary, tree), (on_right, right))
        return
    on_right(machine, right)
    _finish_binary(machine, tree)


_LEAVES = frozenset((_name, _number))


def _finish_binary(machine: Machine, tree: Binary) -> None:
    values = machine.values
    right = values.pop()
    values[-1] = node(BINARY_OPERATORS[tree.operator], (values[-1], right))
    if machine.origins is not None:
        machine.note_origin(values[-1], tree)


def _chain(machine: Machine, tree: Chain) -> None:
    machine.later(_finish_chain, tree)
    machine.enter_all(tree.operands)


def _finish_chain(machine: Machine, tree: Chain) -> None:
    operands = machine.take(len(tree.operands))
    made: Expr | None = None
    for operator, left, right in zip(tree.operators, operands, operands[1:], strict=False):
        link = node(BINARY_OPERATORS[operator], (left, right))
        made = link if made is None else node(Op.AND, (made, link))
    machine.values.append(made)
    _note(machine, tree)


def _choice(machine: Machine, tree: Choice) -> None:
    if machine.scope.kind in _OWNERS:
        machine.later(_decide, tree)
        machine.enter(tree.condition)
        return
    machine.later(_finish_choice, tree)
    machine.enter_all((tree.condition, tree.then, tree.otherwise))


def _decide(machine: Machine, tree: Choice) -> None:
    """In layers and models: a choice by a known number builds the side that it takes alone."""
    condition = machine.values[-1]
    value = constant_value(condition) if isinstance(condition, Expr) else None
    if value is None:
        machine.later(_finish_choice, tree)
        machine.enter_all((tree.then, tree.otherwise))
        return
    machine.values.pop()
    machine.chose = True
    machine.enter(tree.then if value else tree.otherwise)


def _finish_choice(machine: Machine, tree: Choice) -> None:
    condition, then, otherwise = machine.take(3)
    machine.values.append(node(Op.WHERE, (condition, then, otherwise)))
    _note(machine, tree)


def _note(machine: Machine, tree: Tree) -> None:
    if machine.origins is not None:
        machine.note_origin(machine.values[-1], tree)


# ---- Indices -------------------------------------------------------------------------------------

_OF_AXES = {"size": size, "position": position}


def _index(machine: Machine, tree: Index) -> None:
    made = _size_or_position(machine.scope, tree)
    if made is not None:
        machine.values.append(made)
        return
    pairs = _pairs(machine.scope, tree)
    machine.later(_finish_index, (tree, pairs))
    machine.enter_all((tree.target, *(i for _, i in pairs if _axis_name(machine.scope, i) is None)))


def _size_or_position(scope: Scope, tree: Index) -> Expr | None:
    target = tree.target
    if not isinstance(target, Name) or target.quoted or target.name not in _OF_AXES:
        return None
    names = axis_names(scope, tree)
    if len(names) != 1:
        raise AxisError(f"`{target.name}` takes one axis", (scope.span(tree),))
    return _OF_AXES[target.name](scope.axis(names[0]))


def axis_names(scope: Scope, tree: Index) -> list[str]:
    """The names between brackets that hold only axes, as the text spells them."""
    for item in tree.items:
        if not isinstance(item, Name):
            raise ParseError(
                "these brackets hold names of axes",
                (scope.span(item),),
                hint="such as `sum[d](x)` or `sum[h, k](x)`",
            )
    names: dict[str, Tree] = {}
    for item in tree.items:
        assert isinstance(item, Name)
        if item.name in names:
            raise AxisError(f"axis {item.name} stands here twice", (scope.span(item),))
        names[item.name] = item
    return list(names)


def _pairs(scope: Scope, tree: Index) -> list[tuple[str, Tree]]:
    """Each indexed axis (as it is outside) and the tree of its index."""
    keyword = [item for item in tree.items if isinstance(item, Keyword)]
    if len(keyword) < len(tree.items):
        return _positional(scope, tree)
    pairs: dict[str, Tree] = {}
    for item in keyword:
        if not isinstance(item.name, Name):
            raise ParseError("expected the name of an axis", (scope.span(item.name),))
        axis = scope.axis(item.name.name)
        if axis in pairs:
            raise AxisError(f"axis {item.name.name} is indexed twice", (scope.span(item),))
        pairs[axis] = item.value
    return list(pairs.items())


def _positional(scope: Scope, tree: Index) -> list[tuple[str, Tree]]:
    target = tree.target
    order = scope.orders.get(target.name) if isinstance(target, Name) else None
    wrong = next((i for i in tree.items if isinstance(i, Keyword | Typed)), None)
    if wrong is not None:
        text = "indices are all in order or all `axis = index`"
        raise ParseError(text, (scope.span(wrong),))
    if order is None:
        raise AxisError(
            "indices in order are for declared inputs and parameters",
            (scope.span(tree),),
            hint="name the axis: `x[t = s]`",
        )
    if len(order) != len(tree.items):
        count = "1 index" if len(tree.items) == 1 else f"{len(tree.items)} indices"
        text = f"{count} for {show_axes(order)}"
        raise AxisError(text, (scope.span(tree),), "give one for each axis, or name it: `x[t = s]`")
    return list(zip(order, tree.items, strict=True))


def _axis_name(scope: Scope, tree: Tree) -> str | None:
    """The axis that an index is, where it is a bare name of one."""
    if isinstance(tree, Name) and tree.name in scope.axes:
        if not tree.quoted:
            return scope.axes[tree.name]
        if tree.name not in scope.values and tree.name in scope.declared:
            return scope.axes[tree.name]
    return None


def _finish_index(machine: Machine, payload: tuple[Index, list[tuple[str, Tree]]]) -> None:
    tree, pairs = payload
    scope = machine.scope
    bare = {axis: _axis_name(scope, i) for axis, i in pairs}
    values = machine.take(1 + sum(name is None for name in bare.values()))
    x: Expr = values[0]
    rest = iter(values[1:])
    indices: dict[str, Expr | str] = {
        axis: next(rest) if name is None else name for axis, name in bare.items()
    }
    _check_indexed(scope, tree, x, indices)
    machine.values.append(take_index(x, {a: i for a, i in indices.items() if a in x.axes}))
    _note(machine, tree)


def _check_indexed(scope: Scope, tree: Index, x: Expr, indices: Mapping[str, Expr | str]) -> None:
    """An axis that the value lacks is constant along it, if the text declares it."""
    for axis in indices:
        if axis not in x.axes and axis not in scope.declared:
            raise AxisError(
                f"the value has no axis {axis}: it has {show_axes(x.axes)}",
                (scope.span(tree),),
                did_you_mean(axis, sorted(x.axes)),
            )


def take_index(x: Expr, indices: Mapping[str, Expr | str]) -> Expr:
    """`x[axis = index, ...]`, where an index that is a name is an axis written bare.

    A bare axis that is new to x renames; everything else gathers.
    """
    renames = renames_among({a: b for a, b in indices.items() if isinstance(b, str)}, x)
    gathers = {
        a: position(i) if isinstance(i, str) else i for a, i in indices.items() if a not in renames
    }
    inner = rename(x, renames)
    if not gathers:
        return inner
    names = tuple(sorted(gathers))
    return node(Op.INDEX, (inner, *(gathers[axis] for axis in names)), names)


def _misplaced(machine: Machine, tree: Tree) -> None:
    what = "`name = value`" if isinstance(tree, Keyword) else "`name: type`"
    raise ParseError(f"{what} cannot stand here", (machine.span(tree),))


EXPRESSIONS: Mapping[type, Step] = {
    Number: _number,
    Name: _name,
    Prefix: _prefix,
    Binary: _binary,
    Chain: _chain,
    Choice: _choice,
    Index: _index,
    Keyword: _misplaced,
    Typed: _misplaced,
}
