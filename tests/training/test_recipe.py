"""Recipes: what a trainer may be told, and what it says to the rest."""

from __future__ import annotations

from typing import Any

import pytest

from flux.errors import ArgumentError
from flux.training.recipe import recipe_of

MISTAKES = [
    ({"lr": 0.1}, "no option `lr`", "learning_rate"),
    ({"learning_rat": 0.1}, "no option `learning_rat`", "did you mean `learning_rate`?"),
    ({"learning_rate": "0.1"}, "learning_rate is '0.1'; it must be 0 or more", ""),
    ({"clip": -1.0}, "clip is -1.0", ""),
    ({"weight_decay": float("nan")}, "weight_decay is nan", ""),
    ({"beta1": 1.0}, "beta1 is 1.0; it must be below 1", ""),
    ({"cooldown": 1.5}, "cooldown is 1.5; it must be 1 or less", ""),
    ({"schedule": "cosin"}, "no schedule 'cosin'", "did you mean `cosine`?"),
    ({"schedule": 3}, "no schedule 3", ""),
    ({"schedule": "linear"}, "the schedule linear needs an end", "steps="),
    ({"momentum": 0.5}, "adamw takes no momentum", "momentum belongs to momentum, nesterov"),
]


@pytest.mark.parametrize(("numbers", "text", "hint"), MISTAKES)
def test_mistakes(numbers: dict[str, Any], text: str, hint: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        recipe_of("adamw", numbers)
    assert text in caught.value.text
    assert hint in caught.value.hint


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ArgumentError) as caught:
        recipe_of("adamww", {})
    assert caught.value.hint == "did you mean `adamw`?"
