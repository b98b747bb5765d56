"""The update of all parameters as expressions over flat vectors, from `optimisers.flux`.

Each group of parameters is one vector over an axis of its own. The inputs are the vectors
themselves, their gradients and what the optimiser keeps; the outputs are their next values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add

from flux.expr import Expr, apply, constant, topological, variable
from flux.nn.programs import GRADIENT, LOSS
from flux.ops import Op
from flux.source import Span
from flux.training.library import call, library
from flux.training.recipe import SCHEDULES, Recipe

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
        origins: the definition that each expression comes from.
    """

    inputs: tuple[Expr, ...]
    outputs: Mapping[str, Expr]
    axes: Mapping[str, str]
    shown: Mapping[str, Expr]
    origins: Mapping[Expr, tuple[Span, ...]]


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
        return group_vector(self.name, kept)


def kept_name(group: str, kept: str) -> str:
    """The name of a flat vector beside a group's parameters."""
    return f"{group}.{kept}" if kept else group


def group_axis(group: str) -> str:
    """The axis of a group's vectors."""
    return f"place in {group}"


def group_vector(group: str, kept: str) -> Expr:
    """A group's parameters, or a vector that is kept beside them, as an input."""
    return variable(kept_name(group, kept), (group_axis(group),))


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
    found = {group: group_vector(group, GRADIENT) for group in groups}
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
    axes = {name: group_axis(name) for name in groups}
    origins = _origins(recipe, rate, norm, outputs.values())
    return Update(tuple(inputs), outputs, axes, {NORM: norm, RATE: rate}, origins)


# Optimisers whose step is another one's, of another gradient.
_STEPS = {"adam": "adamw", "momentum": "sgd", "nesterov": "sgd"}


def _origins(
    recipe: Recipe, rate: Expr, norm: Expr, outputs: Iterable[Expr]
) -> dict[Expr, tuple[Span, ...]]:
    """The rate comes from the schedule, the norm from its definition, the rest from the step."""
    parts = [
        (_SCHEDULES[recipe.schedule], (rate,)),
        ("squared_norm", (norm,)),
        (_STEPS.get(recipe.optimizer, recipe.optimizer), tuple(outputs)),
    ]
    found: dict[Expr, tuple[Span, ...]] = {}
    for name, roots in parts:
        for e in topological(roots):
            found.setdefault(e, (library()[name].span,))
    return found


def _norm(gradients: Mapping[str, Expr]) -> Expr:
    squares = [call("squared_norm", {"p": group_axis(name)}, g=g) for name, g in gradients.items()]
    return apply(Op.SQRT, reduce(add, squares))


def _zeroed(gradients: Mapping[str, Expr]) -> dict[str, Expr]:
    return {name: call("zeroed", g=g) for name, g in gradients.items()}


def _guarded(e: Expr, old: Expr, norm: Expr, recipe: Recipe, loss: Expr) -> Expr:
    # A loss that is not finite is no reason to leave out what `zero` has made finite.
    counted = loss if recipe.not_finite == "skip" else constant(0)
    return call("guarded", next=e, old=old, norm=norm, loss=counted)


# Schedule: its function in `schedules.flux`.
_SCHEDULES = {
    "constant": "warm_up_constant",
    "linear": "warm_up_linear",
    "cosine": "warm_up_cosine",
    "warm-up-stable-decay": "warm_up_stable_decay",
    "inverse-root": "inverse_root",
}


def _rate(recipe: Recipe, step: Expr) -> Expr:
    name = recipe.schedule if recipe.steps or recipe.schedule != "cosine" else "constant"
    if name == "constant" and not recipe.warm_up:
        return constant(recipe.learning_rate)
    every = asdict(recipe)
    numbers = {number: every[number] for number in SCHEDULES[name]}
    peak, warm_up = recipe.learning_rate, recipe.warm_up
    return call(_SCHEDULES[name], step=step, peak=peak, warm_up=warm_up, **numbers)


def _clip(recipe: Recipe, gradients: Mapping[str, Expr], norm: Expr) -> Mapping[str, Expr]:
    """The gradients, entry by entry and then together, no larger than the recipe's limits."""
    if recipe.clip_value:
        limit = recipe.clip_value
        gradients = {name: call("clip_entries", g=g, limit=limit) for name, g in gradients.items()}
        norm = _norm(gradients)
    if not recipe.clip:
        return gradients
    factor = call("clip_factor", norm=norm, limit=recipe.clip)
    return {name: g * factor for name, g in gradients.items()}


def _adamw(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    return _moments(recipe, group, group.gradient, group.decay)


def _adam(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    g = group.gradient
    if group.decay:
        g = call("adam_gradient", p=group.vector(), g=g, decay=group.decay)
    return _moments(recipe, group, g, 0.0)


def _moments(recipe: Recipe, group: _Group, g: Expr, decay: float) -> dict[str, Expr]:
    beta1, beta2 = recipe.beta1, recipe.beta2
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
        decay=decay,
    )
    return {"moment1": moment1, "moment2": moment2, "": parameters}


def _lion(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    moment, g = group.vector("moment"), group.gradient
    parameters = call(
        "lion",
        p=group.vector(),
        moment=moment,
        g=g,
        rate=group.rate,
        beta1=recipe.beta1,
        decay=group.decay,
    )
    return {"moment": call("lion_moment", moment=moment, g=g, beta2=recipe.beta2), "": parameters}


def _sgd(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    return {"": _descent(group, group.gradient)}


def _momentum(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    velocity = _velocity(recipe, group)
    return {"velocity": velocity, "": _descent(group, velocity)}


def _nesterov(recipe: Recipe, group: _Group) -> dict[str, Expr]:
    velocity, g, mu = _velocity(recipe, group), group.gradient, recipe.momentum
    ahead = call("nesterov_gradient", velocity=velocity, g=g, momentum=mu)
    return {"velocity": velocity, "": _descent(group, ahead)}


def _velocity(recipe: Recipe, group: _Group) -> Expr:
    old = group.vector("velocity")
    return call("sgd_velocity", velocity=old, g=group.gradient, momentum=recipe.momentum)


def _descent(group: _Group, g: Expr) -> Expr:
    return call("sgd", p=group.vector(), g=g, rate=group.rate, decay=group.decay)


# Optimiser: what it keeps of each parameter, and the next values of that and of the parameter.
OPTIMISERS: Mapping[str, tuple[tuple[str, ...], Callable[[Recipe, _Group], dict[str, Expr]]]] = {
    "adamw": (("moment1", "moment2"), _adamw),
    "adam": (("moment1", "moment2"), _adam),
    "lion": (("moment",), _lion),
    "sgd": ((), _sgd),
    "momentum": (("velocity",), _momentum),
    "nesterov": (("velocity",), _nesterov),
}
