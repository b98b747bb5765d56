"""A recipe: the optimiser and its numbers, as one record that is saved with a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from numbers import Real
from typing import Any

from flux.errors import ArgumentError, did_you_mean

OPTIMISERS = ("adamw", "sgd")
POLICIES = ("stop", "skip", "zero")


@dataclass(frozen=True)
class Recipe:
    """How parameters are updated.

    Attributes:
        optimizer: adamw or sgd.
        learning_rate: its highest value.
        warm_up: steps of linear growth at the beginning.
        steps: the step at which the cosine ends; 0 keeps the rate constant.
        final: the rate at the end, as a share of the highest.
        clip: the greatest norm of the whole gradient; 0 clips nothing.
        weight_decay: times the learning rate, what a weight loses of itself in a step.
        decay_all: decay gains and biases too, not only what started at random.
        beta1, beta2, epsilon: of AdamW.
        momentum: of sgd.
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
    not_finite: str = "stop"

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMISERS:
            raise ArgumentError(
                f"no optimizer {self.optimizer!r}; there are {' and '.join(OPTIMISERS)}",
                hint=did_you_mean(self.optimizer, OPTIMISERS),
            )
        if self.not_finite not in POLICIES:
            raise ArgumentError(
                f"not_finite is {self.not_finite!r}; it can be {', '.join(POLICIES)}",
                hint=did_you_mean(str(self.not_finite), POLICIES),
            )
        for name in NUMBERS:
            value = getattr(self, name)
            if not (isinstance(value, Real) and isfinite(value) and float(value) >= 0):
                raise ArgumentError(f"{name} is {value!r}; it must be 0 or more")
        for name in ("beta1", "beta2", "momentum"):
            if getattr(self, name) >= 1:
                raise ArgumentError(f"{name} is {getattr(self, name)}; it must be below 1")


_WORDS = ("optimizer", "not_finite")
NUMBERS = tuple(field.name for field in fields(Recipe) if field.name not in _WORDS)
OPTIONS = (*NUMBERS, "not_finite")


def recipe_of(optimizer: str, numbers: Mapping[str, Any]) -> Recipe:
    """The recipe with these numbers.

    Raises:
        ArgumentError: a number that no recipe has, or one out of range.
    """
    for name in numbers:
        if name not in OPTIONS:
            hint = did_you_mean(name, OPTIONS) or f"one of {', '.join(OPTIONS)}"
            raise ArgumentError(f"a trainer has no option `{name}`", hint=hint)
    return Recipe(optimizer=optimizer, **numbers)
