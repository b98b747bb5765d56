"""A problem from what a caller gives: formula, starts, bounds, parameters, constraints.

The texts go through the language's own parser. What follows sees flat vectors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.errors import ArgumentError, AxisError, ShapeError, UnknownNameError, did_you_mean
from flux.expr import Expr, apply, inputs
from flux.expr.arguments import as_array, as_float
from flux.expr.signature import check_inputs
from flux.numeric.given import check_complete, check_known, columns, divide
from flux.numeric.objective import Function, Unknowns, gradients, is_constant, terms
from flux.numeric.problem import Constraint, Problem
from flux.ops import COMPARISONS, Op
from flux.syntax import parse, parse_equation

Array = NDArray[Any]
_MOST_CONSTRAINTS = 1_000

# Comparison: whether its sides change places so that the difference is to be at least 0.
_TURNED = {Op.GE: False, Op.LE: True}
_STRICT = {Op.GT: ">=", Op.LT: "<="}


def read(
    formula: str | Expr,
    table: Any,
    options: Mapping[str, Any],
    defaults: Mapping[str, Any],
    named: Mapping[str, Any],
    maximise: bool,
) -> tuple[Problem, dict[str, Any]]:
    """The problem, and the options that no name of it takes.

    Raises:
        FluxError: a text is not in the language, a name has no value, or it is not clear what the
            unknowns are.
    """
    goal = "maximize" if maximise else "minimize"
    values = {**columns(table, f'{goal}("(x - a)^2", x=0.0, a=3.0, unknowns="x")'), **named}
    e = _formula(formula, tuple(values))
    _check_scalar(e)
    subject_to = options["subject_to"]
    constraints = _constraints(subject_to, tuple(values))
    leaves = check_inputs(inputs(e, *(c for _, c, _ in constraints)))
    names = [leaf.attributes.name for leaf in leaves]
    taken, rest = divide([n for n in names if n not in values], options, defaults)
    check_known(named, names, list(defaults))
    given = {n: v for n, v in {**values, **taken}.items() if n in names}
    bounds = _bounds_option(rest["bounds"], names)
    unknowns = _unknowns(leaves, given, rest["unknowns"], bounds)
    check_complete(names, given)
    if "subject_to" in taken:
        constraints = []
    return _problem(e, constraints, unknowns, leaves, given, bounds, maximise), rest


def _formula(formula: Any, given: tuple[str, ...]) -> Expr:
    if isinstance(formula, str):
        return parse(formula, given=given)
    if not isinstance(formula, Expr):
        raise ArgumentError(f"a formula is a text or an expression, not {type(formula).__name__}")
    return formula


def _check_scalar(e: Expr) -> None:
    if e.op in COMPARISONS:
        raise ArgumentError("this compares two values", hint="constraints go in subject_to=[...]")
    if e.axes:
        axes = ", ".join(sorted(e.axes))
        raise AxisError(f"the formula has the axes [{axes}]", hint=f"write sum[{axes}](...)")


# Constraints.


def _constraints(given: Any, names: tuple[str, ...]) -> list[tuple[str, Expr, bool]]:
    """Text, difference, and whether it is to be 0; else at least 0."""
    if isinstance(given, str | Expr):
        given = [given]
    if not isinstance(given, Sequence) or not all(isinstance(c, str | Expr) for c in given):
        hint = 'such as subject_to=["x + y = 1", "x*y >= 0.1"]'
        raise ArgumentError("constraints are texts", hint=hint)
    found = [made for text in given for made in _constraint(text, names)]
    if len(found) > _MOST_CONSTRAINTS:
        raise ArgumentError(f"{len(found)} constraints, more than {_MOST_CONSTRAINTS:,}")
    for text, e, _ in found:
        if e.axes:
            raise AxisError(f"the constraint `{text}` has axes", hint="bounds= holds arrays")
    return found


def _constraint(given: str | Expr, names: tuple[str, ...]) -> list[tuple[str, Expr, bool]]:
    if isinstance(given, Expr):
        return _compared(given)
    sides = parse_equation(given, "<constraint>", given=names)
    plain = sides.right.op is Op.CONSTANT and str(sides.right) == "0"
    if plain and sides.left.op in (*COMPARISONS, Op.AND):
        return _compared(sides.left, given)
    if plain and "=" not in given:
        hint = "write x + y = 1 or x*y >= 0.1"
        raise ArgumentError(f"the constraint `{given.strip()[:80]}` compares nothing", hint=hint)
    difference = sides.left if plain else sides.left - sides.right
    return [(given.strip(), difference, True)]


def _compared(e: Expr, text: str = "") -> list[tuple[str, Expr, bool]]:
    """The parts of a comparison, or of several that all have to hold."""
    parts, waiting = [], [e]
    while waiting:
        part = waiting.pop()
        if part.op is Op.AND:
            waiting.extend(reversed(part.args))
        else:
            parts.append(part)
    return [_one(part, text.strip() if len(parts) == 1 and text else str(part)) for part in parts]


def _one(e: Expr, text: str) -> tuple[str, Expr, bool]:
    if e.op is Op.EQ:
        return text, e.args[0] - e.args[1], True
    if e.op in _TURNED:
        left, right = reversed(e.args) if _TURNED[e.op] else e.args
        return text, left - right, False
    if e.op in _STRICT:
        hint = f"write {_STRICT[e.op]}: a minimum on an open edge is never reached"
        raise ArgumentError(f"the constraint `{text[:80]}` leaves out its edge", hint=hint)
    raise ArgumentError(f"the constraint `{text[:80]}` is none", hint="use =, >= or <=")


# Unknowns and bounds.


def _unknowns(
    leaves: Sequence[Expr], given: Mapping[str, Any], unknown: Any, bounds: Mapping[str, Any]
) -> list[Expr]:
    """The inputs that are searched for."""
    real = {e.attributes.name: e for e in leaves if not e.attributes.integer}
    wanted = _wanted(real, given, unknown)
    for name in wanted:
        if name not in real:
            if any(e.attributes.name == name for e in leaves):
                raise ArgumentError(f"`{name}` is declared as an integer")
            hint = did_you_mean(name, list(real))
            raise UnknownNameError(f"the formula has no `{name}`", hint=hint)
        if given.get(name) is None and name not in bounds:
            hint = f"give a start, {name}=1.0, or bounds, {name}=(0, 10)"
            raise ArgumentError(f"`{name}` has no start", hint=hint)
    for name, value in given.items():
        if isinstance(value, tuple) and name not in wanted:
            raise ArgumentError(f"`{name}` has bounds", hint="only an unknown has them")
    return [real[name] for name in wanted]


def _wanted(real: Mapping[str, Expr], given: Mapping[str, Any], unknown: Any) -> list[str]:
    if isinstance(unknown, str):
        return [unknown]
    if unknown is not None:
        if not isinstance(unknown, Sequence) or not all(isinstance(n, str) for n in unknown):
            raise ArgumentError("unknowns are a list of names", hint='unknowns=["x", "y"]')
        if not unknown or len(set(unknown)) != len(unknown):
            raise ArgumentError("unknowns names each of them once", hint='unknowns=["x", "y"]')
        return list(unknown)
    bounded = [name for name in real if isinstance(given.get(name), tuple)]
    if bounded and len(bounded) < len(real):
        shown = ", ".join(f"`{n}`" for n in real if n not in bounded)
        listed = ", ".join(f'"{n}"' for n in bounded)
        text = f"it is not clear whether {shown} is an unknown or has its value"
        raise ArgumentError(text, hint=f"say what the unknowns are, as in unknowns=[{listed}]")
    if not real:
        raise ArgumentError("the formula has no unknown", hint="write one, as in (x - 3)^2")
    return list(real)


def _bounds_option(bounds: Any, names: Sequence[str]) -> dict[str, Any]:
    if bounds is None:
        return {}
    if not isinstance(bounds, Mapping):
        raise ArgumentError("bounds are by name", hint='such as bounds={"x": (0, 10)}')
    for name, pair in bounds.items():
        if name not in names:
            hint = did_you_mean(str(name), list(names))
            raise UnknownNameError(f"the formula has no `{name}`", hint=hint)
        if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
            hint = f'such as bounds={{"{name}": (0, 10)}}; None is no bound'
            raise ArgumentError(f"the bounds of `{name}` are two ends", hint=hint)
    return dict(bounds)


def _problem(
    e: Expr,
    constraints: Sequence[tuple[str, Expr, bool]],
    unknowns: Sequence[Expr],
    leaves: Sequence[Expr],
    given: Mapping[str, Any],
    bounds: Mapping[str, Any],
    maximise: bool,
) -> Problem:
    ranges = [_range(leaf, given, bounds) for leaf in unknowns]
    shapes = tuple(start.shape for start, _, _ in ranges)
    known = Unknowns(tuple(unknowns), shapes)
    parameters = {
        leaf.attributes.name: _parameter(leaf, given[leaf.attributes.name])
        for leaf in leaves
        if leaf not in unknowns
    }
    start, low, high = (_flat(parts) for parts in zip(*ranges, strict=True))
    lowered = apply(Op.NEG, e) if maximise else e
    return Problem(
        Function(lowered, known, parameters),
        Function(terms(e), known, parameters),
        start,
        low,
        high,
        tuple(_made(c, known, parameters) for c in constraints),
        maximise,
    )


def _made(c: tuple[str, Expr, bool], unknowns: Unknowns, parameters: dict[str, Any]) -> Constraint:
    text, e, equality = c
    slopes = gradients(e, unknowns.leaves)
    return Constraint(
        Function(e, unknowns, parameters),
        equality,
        all(is_constant(slope, unknowns) for slope in slopes),
        text,
        Function(terms(e), unknowns, parameters),
    )


def _flat(parts: Sequence[Array]) -> Array:
    return np.concatenate([np.ravel(part) for part in parts])


def _parameter(leaf: Expr, value: Any) -> Any:
    name, axes = leaf.attributes.name, leaf.attributes.axes
    array = as_array(name, value)
    if array.ndim > len(axes):
        hint = f"sum over a named axis: input {name}[n], then sum[n](...)"
        raise ShapeError(f"`{name}` has rows, and what is minimised is one number", hint=hint)
    if leaf.attributes.integer or array.ndim:
        return array
    return float(as_float(name, array, np.dtype(np.float64)))


def _range(
    leaf: Expr, given: Mapping[str, Any], bounds: Mapping[str, Any]
) -> tuple[Array, Array, Array]:
    """Start, low and high of an unknown, in its shape."""
    name = leaf.attributes.name
    value = given.get(name)
    if isinstance(value, tuple) and len(value) != 2:
        raise ArgumentError(f"`{name}` has {len(value)} ends", hint=f"such as {name}=(0, 10)")
    pair = bounds.get(name, value if isinstance(value, tuple) else (None, None))
    low, high = (
        _end(name, end, default) for end, default in zip(pair, (-np.inf, np.inf), strict=True)
    )
    start = None if value is None or isinstance(value, tuple) else _real(name, value)
    shape = _shape(leaf, [low, high, *([start] if start is not None else [])])
    low, high = (np.broadcast_to(end, shape) for end in (low, high))
    _check_ends(name, low, high)
    if start is None:
        return _between(low, high), low, high
    _check_start(name, start, low, high)
    return np.broadcast_to(start, shape), low, high


def _shape(leaf: Expr, parts: Sequence[Array]) -> tuple[int, ...]:
    name, axes = leaf.attributes.name, leaf.attributes.axes
    try:
        shape = np.broadcast_shapes(*(part.shape for part in parts))
    except ValueError:
        raise ShapeError(f"start and bounds of `{name}` have shapes that do not fit") from None
    if len(shape) != len(axes):
        shown = f"the axes [{', '.join(axes)}]" if axes else "no axes"
        hint = f"declare it, as in `input {name}[d]`" if not axes else "start from an array"
        raise ShapeError(f"`{name}` starts with shape {list(shape)} and has {shown}", hint=hint)
    if 0 in shape:
        raise ShapeError(f"`{name}` has no entries")
    return shape


def _real(name: str, value: Any) -> Array:
    array: Array = as_float(name, as_array(name, value), np.dtype(np.float64))
    return array


def _end(name: str, end: Any, default: float) -> Array:
    return np.array(default) if end is None else _real(f"{name}'s bound", end)


def _check_ends(name: str, low: Array, high: Array) -> None:
    if not (low <= high).all() or (low == np.inf).any() or (high == -np.inf).any():
        at = int((~(low <= high)).reshape(-1).argmax())
        a, b = (float(end.reshape(-1)[at]) for end in (low, high))
        hint = "the lower end comes first"
        raise ArgumentError(f"the bounds ({a}, {b}) of `{name}` hold nothing", hint=hint)


def _check_start(name: str, start: Array, low: Array, high: Array) -> None:
    if not np.isfinite(start).all():
        raise ArgumentError(f"`{name}` starts at a place that is not finite")
    if not ((start >= low) & (start <= high)).all():
        raise ArgumentError(f"`{name}` starts outside its bounds", hint="start within them")


def _between(low: Array, high: Array) -> Array:
    """The middle, one beyond the only end, or 0."""
    with np.errstate(all="ignore"):
        middle = low / 2 + high / 2
    finite_low, finite_high = np.isfinite(low), np.isfinite(high)
    one_end = np.where(finite_low, low + 1, np.where(finite_high, high - 1, 0.0))
    return np.where(finite_low & finite_high, middle, one_end)
