"""A recipe: the optimiser, the schedule and their numbers, as one record saved with a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Real
from typing import Any

from flux.errors import ArgumentError, did_you_mean

# Optimiser: the fields that only some have, and it takes.
OPTIMISERS: Mapping[str, tuple[str, ...]] = {
    "adamw": ("beta1", "beta2", "epsilon"),
    "adam": ("beta1", "beta2", "epsilon"),
    "lion": ("beta1", "beta2"),
    "sgd": (),
    "momentum": ("momentum",),
    "nesterov": ("momentum",),
}

POLICIES = ("stop", "skip", "zero")

# Schedule: the fields, beside the highest rate and the warm-up, that it takes.
SCHEDULES: Mapping[str, tuple[str, ...]] = {
    "constant": (),
    "linear": ("steps", "final"),
    "cosine": ("steps", "final"),
    "warm-up-stable-decay": ("steps", "final", "cooldown"),
    "inverse-root": (),
}


@dataclass(frozen=True)
class Recipe:
    """How parameters are updated.

    Attributes:
        optimizer: a name of OPTIMISERS.
        schedule: of the learning rate: a name of SCHEDULES.
        learning_rate: its highest value.
        warm_up: steps of linear growth at the beginning.
        steps: the step at which the schedule ends; 0 keeps the rate of a cosine constant.
        final: the rate at the end, as a share of the highest.
        cooldown: of warm-up-stable-decay: the share of all steps, at the end, in which it falls.
        clip: the greatest norm of the whole gradient; 0 clips nothing.
        clip_value: the greatest magnitude of an entry of it, before the norm; 0 clips nothing.
        weight_decay: times the learning rate, what a weight loses of itself in a step; of Adam:
            what is added to its gradient, times the weight.
        decay_all: decay gains and biases too, not only what started at random.
        beta1, beta2, epsilon: of Adam and AdamW; the first two of Lion.
        momentum: of momentum and nesterov.
        not_finite: what becomes of a step whose loss or gradient is not finite. `stop` raises;
            `skip` leaves every parameter and moment as it was; `zero` takes the gradient's other
            entries, and leaves out what is still not finite then.
    """

    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    warm_up: int = 0
    steps: int = 0
    final: float = 0.1
    clip: float = 1.0
    weight_decay: float = 0.01
    decay_all: bool = False
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    momentum: float = 0.9
    schedule: str = "cosine"
    cooldown: float = 0.2
    clip_value: float = 0.0
    not_finite: str = "stop"

    def __post_init__(self) -> None:
        _check_name("optimizer", self.optimizer, OPTIMISERS)
        _check_name("schedule", self.schedule, SCHEDULES)
        _check_policy(self.not_finite)
        for name in NUMBERS:
            _check_number(name, getattr(self, name))
        self._check_unused()
        self._check_end()

    def _check_unused(self) -> None:
        """A number that would do nothing is a mistake."""
        for name in dict.fromkeys(name for names in OPTIMISERS.values() for name in names):
            if name in OPTIMISERS[self.optimizer] or getattr(self, name) == _DEFAULTS[name]:
                continue
            takers = [known for known, names in OPTIMISERS.items() if name in names]
            raise ArgumentError(
                f"{self.optimizer} takes no {name}", hint=f"{name} belongs to {', '.join(takers)}"
            )

    def _check_end(self) -> None:
        if self.schedule in ("linear", "warm-up-stable-decay") and not self.steps:
            text = f"the schedule {self.schedule} needs an end"
            raise ArgumentError(text, hint="give steps=, the step at which it ends")


_WORDS = ("optimizer", "schedule", "not_finite")
_BELOW_ONE = ("beta1", "beta2", "momentum")
_AT_MOST_ONE = ("cooldown",)
_DEFAULTS = {field.name: field.default for field in fields(Recipe)}
NUMBERS = tuple(name for name in _DEFAULTS if name not in _WORDS)
_OPTIONS = tuple(name for name in _DEFAULTS if name != "optimizer")


def _check_name(what: str, name: object, table: Mapping[str, Any]) -> None:
    if not isinstance(name, str) or name not in table:
        hint = did_you_mean(name, list(table)) if isinstance(name, str) else ""
        raise ArgumentError(f"no {what} {name!r}; there are {', '.join(table)}", hint=hint)


def _check_policy(name: object) -> None:
    if name not in POLICIES:
        hint = did_you_mean(str(name), POLICIES)
        raise ArgumentError(f"not_finite is {name!r}; it can be {', '.join(POLICIES)}", hint=hint)


def _check_number(name: str, value: object) -> None:
    if not (isinstance(value, Real) and isfinite(value) and float(value) >= 0):
        raise ArgumentError(f"{name} is {value!r}; it must be 0 or more")
    if name in _BELOW_ONE and float(value) >= 1:
        raise ArgumentError(f"{name} is {value}; it must be below 1")
    if name in _AT_MOST_ONE and float(value) > 1:
        raise ArgumentError(f"{name} is {value}; it must be 1 or less")


def recipe_of(optimizer: str, numbers: Mapping[str, Any]) -> Recipe:
    """The recipe with these numbers.

    Raises:
        ArgumentError: a number that no recipe has, or one out of range.
    """
    for name in numbers:
        if name not in _OPTIONS:
            hint = did_you_mean(name, _OPTIONS) or f"one of {', '.join(_OPTIONS)}"
            raise ArgumentError(f"a trainer has no option `{name}`", hint=hint)
    return Recipe(optimizer=optimizer, **numbers)
