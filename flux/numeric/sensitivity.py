"""The sensitivities of differential equations, as more equations.

With S = dx/dp, differentiating dx/dt = f(x, p, t) by p gives dS/dt = f_x S + f_p, which starts at
0; by the start of an unknown it starts at 1 for that one. So derivatives of a solution by
parameters and starts are integrated beside it, with the exact f_x and f_p.

Source:
    Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I (1993), section I.14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flux.calculus.folding import add, mul
from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.expr import Expr, constant, inputs, variable


def name_of(unknown: str, by: str) -> str:
    """The name of a sensitivity: "dx/dk"."""
    return f"d{unknown}/d{by}"


def listed(slopes: Mapping[str, Expr], by: Any, time: str) -> tuple[str, ...]:
    """The names that sensitivities are wanted by, checked."""
    names = [] if by is None else [by] if isinstance(by, str) else by
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise ArgumentError("sensitivities are by a list of names", hint='such as ["k"]')
    known = {*slopes, *(x.attributes.name for e in slopes.values() for x in inputs(e))} - {time}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, sorted(known))
            raise UnknownNameError(f"no parameter or unknown `{name}`", hint=hint)
    return tuple(dict.fromkeys(names))


def augmented(
    slopes: Mapping[str, Expr], by: Sequence[str]
) -> tuple[dict[str, Expr], dict[str, float]]:
    """The equations of all sensitivities, and their starts."""
    equations: dict[str, Expr] = {}
    starts: dict[str, float] = {}
    for p in by:
        for unknown, slope in slopes.items():
            name = name_of(unknown, p)
            if name in slopes:
                raise ArgumentError(f"`{name}` is an unknown and a sensitivity")
            equations[name] = _slope(slope, slopes, p)
            starts[name] = 1.0 if p == unknown else 0.0
    return equations, starts


def _slope(slope: Expr, unknowns: Mapping[str, Expr], p: str) -> Expr:
    """f_x S + f_p, for one f."""
    present = {x.attributes.name for x in inputs(slope)}
    total = constant(0)
    for unknown in unknowns:
        if unknown in present:
            total = add(total, mul(slope.diff(unknown), variable(name_of(unknown, p))))
    if p in present and p not in unknowns:
        total = add(total, slope.diff(p))
    return total
