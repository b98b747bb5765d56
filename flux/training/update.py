"""The update of all parameters as expressions over flat vectors, from `optimisers.flux`.

Each group of parameters is one vector over an axis of its own. The inputs are the vectors
themselves, their gradients and what the optimiser keeps; the outputs are their next values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from flux.expr import Expr, apply, constant, variable
from flux.nn.programs import GRADIENT, LOSS
from flux.ops import Op
from flux.training.library import call
from flux.training.recipe import Recipe

# No names of formulas, so that no model has inputs of these names.
STEP = "steps done"
NORM = "the gradient's norm"
RATE = "the rate"


@dataclass(frozen=True)
class Update:
    """The update stage.

    Attributes:
        inputs: the number of steps done; then for each group its vector, its gradient, and what
            is kept.
        outputs: for each vector that changes, the input's name and its next value.
        axes: the axis of each group.
        shown: what a step tells: the norm of the whole gradient before clipping, and the rate.
    """

    inputs: tuple[Expr, ...]
    outputs: Mapping[str, Expr]
    axes: Mapping[str, str]
    shown: Mapping[str, Expr]


@dataclass(frozen=True)
class _Group:
    """One group of parameters, and what all groups share.

    Attributes:
        name: the name of its vector.
        gradient: clipped.
        step: the number of steps done.
        rate: the learning rate of this step.
        decay: times the rate, what a parameter loses of itself.
    """

    name: str
    gradient: Expr
    step: Expr
    rate: Expr
    decay: float

    def vector(self, kept: str = "") -> Expr:
        """Its parameters, or what is kept beside them."""
        return _vector(self.name, kept)


def kept_name(group: str, kept: str) -> str:
    """The name of a flat vector beside a group's parameters."""
    return f"{group}.{kept}" if kept else group


def _axis(group: str) -> str:
    return f"place in {group}"


def _vector(group: str, kept: str) -> Expr:
    return variable(kept_name(group, kept), (_axis(group),))


def build_update(recipe: Recipe, groups: Sequence[str], decayed: Sequence[str]) -> Update:
    """The update of groups of parameters.

    Args:
        recipe: the optimiser and its numbers.
        groups: their names.
        decayed: the groups that weight decay pulls on.
    """
    kept, rule = OPTIMISERS[recipe.optimizer]
    step = variable(STEP)
    rate = _rate(recipe, step)
    found = {group: _vector(group, GRADIENT) for group in groups}
    norm = _norm(found)
    gradients = found if recipe.not_finite != "zero" else _zeroed(found)
    kept_norm = norm if gradients is found else _norm(gradients)
    clipped = _clip(recipe, gradients, kept_norm)
    loss = variable(LOSS)
    guarded = recipe.not_finite != "stop"
    inputs: list[Expr] = [step, loss] if guarded else [step]
    outputs: dict[str, Expr] = {}
    for name in groups:
        decay = recipe.weight_decay if name in decayed else 0.0
        group = _Group(name, clipped[name], step, rate, decay)
        inputs += [group.vector(), found[name], *(group.vector(k) for k in kept)]
        for k, e in rule(recipe, group).items():
            held = _guarded(e, group.vector(k), kept_norm, recipe, loss) if guarded else e
            outputs[kept_name(name, k)] = held
    axes = {name: _axis(name) for name in groups}
    return Update(tuple(inputs), outputs, axes, {NORM: norm, RATE: rate})


def _norm(gradients: Mapping[str, Expr]) -> Expr:
    squares = [call("squared_norm", {"p": _axis(name)}, g=g) for name, g in gradients.items()]
    return apply(Op.SQRT, reduce(add, squares))


def _zeroed(gradients: Mapping[str, Expr]) -> dict[str, Expr]:
    return {name: call("zeroed", g=g) for name, g in gradients.items()}


def _guarded(e: Expr, old: Expr, norm: Expr, recipe: Recipe, loss: Expr) -> Expr:
    # A loss that is not finite is no reason to leave out what `zero` has made finite.
    counted = loss if recipe.not_finite == "skip" else constant(0)
    return call("guarded", next=e, old=old, norm=norm, loss=counted)


def _rate(recipe: Recipe, step: Expr) -> Expr:
    if not recipe.steps and not recipe.warm_up:
        return constant(recipe.learning_rate)
    return call(
        "warm_up_cosine",
        step=step,
        peak=recipe.learning_rate,
        warm_up=recipe.warm_up,
        steps=recipe.steps,
        final=recipe.final if recipe.steps else 1.0,
    )


def _clip(recipe: Recipe, gradients: Mapping[str, Expr], norm: Expr) -> Mapping[str, Expr]:
    """The gradients, scaled together where the norm of all of them is above the limit."""
    if not recipe.clip:
        return gradients
    factor = call("clip_factor", norm=norm, limit=recipe.clip)
    return {name: g * factor for name, g in gradients.items()}


def _adamw(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    g, beta1, beta2 = group.gradient, recipe.beta1, recipe.beta2
    moment1 = call("adamw_moment1", moment1=group.vector("moment1"), g=g, beta1=beta1)
    moment2 = call("adamw_moment2", moment2=group.vector("moment2"), g=g, beta2=beta2)
    parameters = call(
        "adamw",
        p=group.vector(),
        moment1=moment1,
        moment2=moment2,
        step=group.step,
        rate=group.rate,
        beta1=beta1,
        beta2=beta2,
        epsilon=recipe.epsilon,
        decay=group.decay,
    )
    return {"moment1": moment1, "moment2": moment2, "": parameters}


def _sgd(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    old = group.vector("velocity")
    velocity = call("sgd_velocity", velocity=old, g=group.gradient, momentum=recipe.momentum)
    parameters = call(
        "sgd", p=group.vector(), velocity=velocity, rate=group.rate, decay=group.decay
    )
    return {"velocity": velocity, "": parameters}


# Optimiser: what it keeps of each parameter, and the next values of that and of the parameter.
OPTIMISERS: Mapping[str, tuple[tuple[str, ...], Callable[[Recipe, _Group], dict[str, Expr]]]] = {
    "adamw": (("moment1", "moment2"), _adamw),
    "sgd": (("velocity",), _sgd),
}
