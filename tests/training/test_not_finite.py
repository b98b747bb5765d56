"""A step whose loss or gradient is not finite: stop, skip or zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.errors import ArgumentError, DomainError
from flux.nn import Model
from flux.syntax import load_text
from flux.training.recipe import OPTIMISERS
from flux.training.trainer import Trainer

TEXT = """
model line(x[b], y[b]):
    param w, c ~ normal(0, 1)
    param d = 0
    loss = mean[b]((w*x + c*x^2 + d - y)^2)
"""
X = np.linspace(-1, 1, 8)
GOOD = {"x": X, "y": np.sin(X)}
POLICIES = ("skip", "zero")


def trainer(batches: Any, **options: Any) -> Trainer:
    model = Model(load_text(TEXT)["line"].build(), {}, dtype=options.pop("dtype", "float32"))
    return Trainer(model, data=batches, **options)


def state(made: Trainer) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in made.state().items()}


def spoilt(value: float) -> dict[str, np.ndarray]:
    return {"x": X, "y": np.where(np.arange(8) == 3, value, 0)}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_skip_leaves_every_bit_as_it_was(optimizer: str, value: float) -> None:
    made = trainer([GOOD, spoilt(value)], optimizer=optimizer, not_finite="skip")
    made.advance()
    before = state(made)
    made.advance()
    assert state(made) == before
    assert made.skipped == 1
    made.advance()
    assert state(made) != before


@given(st.lists(st.floats(width=32), min_size=8, max_size=8), st.sampled_from(POLICIES))
@settings(max_examples=40)
def test_no_data_makes_parameters_or_moments_other_than_finite(
    values: list[float], policy: str
) -> None:
    for options in ({"optimizer": "adamw", "epsilon": 0.0}, {"optimizer": "sgd", "clip": 0.0}):
        bad = {"x": np.array(values), "y": np.array(values[::-1])}
        made = trainer([GOOD, bad, bad], not_finite=policy, learning_rate=1e3, **options)
        made.run(6)
        assert all(np.isfinite(array).all() for array in made.state().values())


@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_one_bad_batch_of_several_leaves_the_whole_step_out(optimizer: str) -> None:
    batches = [GOOD, GOOD, GOOD, spoilt(np.nan), GOOD, GOOD]
    made = trainer(batches, optimizer=optimizer, not_finite="skip", accumulate=2)
    made.advance()
    before = state(made)
    made.advance()
    assert state(made) == before
    assert made.skipped == 1
    assert np.isfinite(made.advance())
    assert state(made) != before


def test_zero_takes_the_other_entries() -> None:
    # The gradient by w and c is nan where x is infinite; that by d is too, so only its sign of
    # life is looked for: the moments of a finite step still move the parameters.
    made = trainer([GOOD, spoilt(np.nan)], not_finite="zero")
    made.advance()
    before = state(made)
    made.advance()
    assert state(made) != before
    assert made.skipped == 1


PARTLY = """
model partly(x[b], y[b]):
    param w = 1
    param c = 1
    loss = mean[b](w*x) + c*mean[b](y)
"""


def test_zero_moves_what_has_a_gradient_and_leaves_the_rest() -> None:
    model = Model(load_text(PARTLY)["partly"].build(), {}, dtype="float64")
    batch = {"x": np.array([np.inf, 1.0]), "y": np.array([1.0, 3.0])}
    made = Trainer(
        model, "sgd", batch, not_finite="zero", clip=0.0, learning_rate=0.1, weight_decay=0.0
    )
    made.advance()
    assert model.parameters["w"] == 1
    assert model.parameters["c"] == pytest.approx(1 - 0.1 * 2)


def test_stop_names_the_step_and_what_is_wrong() -> None:
    made = trainer([GOOD, spoilt(np.nan)])
    made.advance()
    with pytest.raises(DomainError, match="the loss of step 2 is nan"):
        made.advance()
    root = "model root(x[b]):\n    param w = 0\n    loss = mean[b](sqrt(w*x))\n"
    steep = Trainer(Model(load_text(root)["root"].build(), {}), data={"x": np.ones(2)})
    with pytest.raises(DomainError, match="the norm of the gradient of step 1 is"):
        steep.advance()


def test_the_norm_and_the_rate_are_those_of_the_step() -> None:
    made = trainer(GOOD, learning_rate=0.5, warm_up=4, steps=8, dtype="float64")
    expected = made.model.gradient(**GOOD)
    made.advance()
    assert made.norm == pytest.approx(np.sqrt(sum((g**2).sum() for g in expected.values())))
    assert made.rate == pytest.approx(0.5 / 4)


def test_another_policy_is_refused() -> None:
    with pytest.raises(ArgumentError, match="not_finite is 'skp'") as caught:
        trainer(GOOD, not_finite="skp")
    assert "skip" in caught.value.hint
