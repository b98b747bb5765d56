"""The update of all parameters as expressions over flat vectors, from `optimisers.flux`.

Each group of parameters is one vector over an axis of its own. The inputs are the vectors
themselves, their gradients and what the optimiser keeps; the outputs are their next values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from flux.expr import Expr, apply, constant, variable
from flux.nn.programs import GRADIENT
from flux.ops import Op
from flux.training.library import call
from flux.training.recipe import Recipe

STEP = "step"

# Optimiser: what it keeps of each parameter, besides the parameter itself.
KEPT: Mapping[str, tuple[str, ...]] = {
    "adamw": ("moment1", "moment2"),
    "sgd": ("velocity",),
}


@dataclass(frozen=True)
class Update:
    """The update stage.

    Attributes:
        inputs: `step`; then for each group its vector, its gradient, and what is kept.
        outputs: for each vector that changes, the input's name and its next value.
        axes: the axis of each group.
    """

    inputs: tuple[Expr, ...]
    outputs: Mapping[str, Expr]
    axes: Mapping[str, str]


def kept_name(group: str, kept: str) -> str:
    """The name of a flat vector beside a group's parameters."""
    return f"{group}.{kept}"


def build_update(recipe: Recipe, groups: Sequence[str], decayed: Sequence[str]) -> Update:
    """The update of groups of parameters.

    Args:
        recipe: the optimiser and its numbers.
        groups: their names.
        decayed: the groups that weight decay pulls on.
    """
    axes = {group: f"{group}_place" for group in groups}
    step = variable(STEP)
    rate = _rate(recipe, step)
    clip = _clip_factor(recipe, [_vector(group, GRADIENT, axes) for group in groups])
    inputs: list[Expr] = [step]
    outputs: dict[str, Expr] = {}
    for group in groups:
        decay = recipe.weight_decay if group in decayed else 0.0
        g = _vector(group, GRADIENT, axes)
        clipped = g if clip is None else g * clip
        inputs += [_vector(group, "", axes), g]
        inputs += [_vector(group, kept, axes) for kept in KEPT[recipe.optimizer]]
        rules = {"adamw": _adamw, "sgd": _sgd}
        outputs |= rules[recipe.optimizer](recipe, group, axes, clipped, step, rate, decay)
    return Update(tuple(inputs), outputs, axes)


def _vector(group: str, kept: str, axes: Mapping[str, str]) -> Expr:
    return variable(kept_name(group, kept) if kept else group, (axes[group],))


def _rate(recipe: Recipe, step: Expr) -> Expr:
    if not recipe.steps and not recipe.warm_up:
        return constant(recipe.learning_rate)
    final = recipe.final if recipe.steps else 1.0
    return call(
        "warm_up_cosine",
        step=step,
        peak=recipe.learning_rate,
        warm_up=recipe.warm_up,
        steps=recipe.steps,
        final=final,
    )


def _clip_factor(recipe: Recipe, gradients: Sequence[Expr]) -> Expr | None:
    if not recipe.clip:
        return None
    squares = [call("squared_norm", {"p": next(iter(g.axes))}, g=g) for g in gradients]
    norm = apply(Op.SQRT, reduce(add, squares))
    return call("clip_factor", norm=norm, limit=recipe.clip)


def _adamw(
    recipe: Recipe,
    group: str,
    axes: Mapping[str, str],
    g: Expr,
    step: Expr,
    rate: Expr,
    decay: float,
) -> dict[str, Expr]:
    moment1 = call(
        "adamw_moment1", moment1=_vector(group, "moment1", axes), g=g, beta1=recipe.beta1
    )
    moment2 = call(
        "adamw_moment2", moment2=_vector(group, "moment2", axes), g=g, beta2=recipe.beta2
    )
    parameters = call(
        "adamw",
        p=_vector(group, "", axes),
        moment1=moment1,
        moment2=moment2,
        step=step,
        rate=rate,
        beta1=recipe.beta1,
        beta2=recipe.beta2,
        epsilon=recipe.epsilon,
        decay=decay,
    )
    return {
        kept_name(group, "moment1"): moment1,
        kept_name(group, "moment2"): moment2,
        group: parameters,
    }


def _sgd(
    recipe: Recipe,
    group: str,
    axes: Mapping[str, str],
    g: Expr,
    step: Expr,
    rate: Expr,
    decay: float,
) -> dict[str, Expr]:
    old = _vector(group, "velocity", axes)
    velocity = call("sgd_velocity", velocity=old, g=g, momentum=recipe.momentum)
    p = _vector(group, "", axes)
    parameters = call("sgd", p=p, velocity=velocity, rate=rate, decay=decay)
    return {kept_name(group, "velocity"): velocity, group: parameters}
