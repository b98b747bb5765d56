"""Losses and optimisers of the library, function by function, against NumPy and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from flux.expr import Expr, inputs, variable
from flux.expr.evaluate import evaluate
from flux.training.library import call
from flux.training.recipe import Recipe
from flux.training.update import STEP, build_update

LOGITS = variable("logits", ("b", "v"))
TARGETS = variable("targets", ("b",), integer=True)


def test_cross_entropy_is_minus_the_log_of_the_softmax() -> None:
    random = np.random.default_rng(0)
    logits, targets = random.normal(0, 3, (5, 4)), np.array([0, 3, 1, 2, 3])
    found = evaluate(
        call("cross_entropy", logits=LOGITS, targets=TARGETS),
        {"logits": logits, "targets": targets},
    )
    probability = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(found, -np.log(probability[np.arange(5), targets]), rtol=1e-12)


def test_cross_entropy_neither_overflows_nor_underflows() -> None:
    logits = np.array([[1e4, 0.0], [-1e4, 0.0], [0.0, 0.0]])
    found = evaluate(
        call("cross_entropy", logits=LOGITS, targets=TARGETS),
        {"logits": logits, "targets": np.array([0, 0, 1])},
    )
    np.testing.assert_allclose(found, [0, 1e4, np.log(2)])


@pytest.mark.parametrize(
    ("logit", "y", "expected"),
    [
        (0, 1, np.log(2)),
        (0, 0, np.log(2)),
        (800, 1, 0),
        (800, 0, 800),
        (-800, 1, 800),
        (-800, 0, 0),
    ],
)
def test_binary_cross_entropy_holds_at_both_ends(logit: float, y: float, expected: float) -> None:
    found = _number(
        call("binary_cross_entropy", logit=variable("a"), y=variable("y")), a=logit, y=y
    )
    assert found == pytest.approx(expected, abs=1e-12)


def _number(e: Expr, **values: float) -> float:
    return float(evaluate(e, values))


RATES = [
    # step, warm_up, steps, final -> share of the peak
    (0, 10, 100, 0.1, 0.1),
    (4, 10, 100, 0.1, 0.5),
    (9, 10, 100, 0.1, 1.0),
    (10, 10, 100, 0.1, 1.0),
    (55, 10, 100, 0.1, 0.55),
    (100, 10, 100, 0.1, 0.1),
    (5_000, 10, 100, 0.1, 0.1),
    (0, 0, 100, 0.0, 1.0),
    (7, 0, 0, 1.0, 1.0),
]


@pytest.mark.parametrize(("step", "warm_up", "steps", "final", "share"), RATES)
def test_the_rate_warms_up_and_falls_along_a_cosine(
    step: int, warm_up: int, steps: int, final: float, share: float
) -> None:
    rate = call(
        "warm_up_cosine",
        step=variable("n"),
        peak=0.02,
        warm_up=warm_up,
        steps=steps,
        final=final,
    )
    assert _number(rate, n=step) == pytest.approx(0.02 * share)


def test_the_rate_never_jumps() -> None:
    rate = call("warm_up_cosine", step=variable("n"), peak=1, warm_up=20, steps=200, final=0.1)
    rates = evaluate(rate, {"n": np.arange(300.0)})
    assert np.abs(np.diff(rates)).max() <= 0.05 + 1e-12
    assert rates.max() == 1


@pytest.mark.parametrize(
    ("norm", "factor"), [(0, 1), (0.5, 1), (2, 1), (4, 0.5), (2.0**40, 2.0**-39)]
)
def test_clipping_shortens_long_gradients_only(norm: float, factor: float) -> None:
    assert _number(call("clip_factor", norm=variable("a"), limit=2), a=norm) == factor


def run_update(recipe: Recipe, gradients: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Values of two groups, which start at 1, after updates with these gradients."""
    update = build_update(recipe, ("a", "b"), ("a",))
    state = {e.attributes.name: np.zeros(2) for e in update.inputs if e.attributes.name != STEP} | {
        "a": np.ones(2),
        "b": np.ones(2),
    }
    for step, found in enumerate(gradients):
        given = {**state, **{f"{name}.gradient": g for name, g in found.items()}, STEP: float(step)}
        state |= {name: _vector(e, given) for name, e in update.outputs.items()}
    return state


def _vector(e: Expr, given: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(evaluate(e, {x.attributes.name: given[x.attributes.name] for x in inputs(e)}))


ONE = {"a": np.array([3.0, -0.5]), "b": np.array([0.0, 2.0])}


def test_the_first_step_of_adamw_goes_by_the_rate_against_the_gradients_sign() -> None:
    recipe = Recipe(learning_rate=0.1, clip=0, weight_decay=0.5, epsilon=0)
    state = run_update(recipe, [{**ONE, "b": np.array([1e-3, 2.0])}])
    np.testing.assert_allclose(state["a"], 1 - 0.1 * 0.5 - 0.1 * np.sign(ONE["a"]))
    np.testing.assert_allclose(state["b"], [0.9, 0.9])  # without decay


def test_clipping_counts_all_groups_together() -> None:
    recipe = Recipe("sgd", learning_rate=1.0, clip=1.0, weight_decay=0)
    state = run_update(recipe, [{"a": np.array([3.0, 0.0]), "b": np.array([0.0, 4.0])}])
    np.testing.assert_allclose(state["a"], [1 - 3 / 5, 1])
    np.testing.assert_allclose(state["b"], [1, 1 - 4 / 5])


def test_momentum_adds_up() -> None:
    recipe = Recipe("momentum", learning_rate=0.1, clip=0, weight_decay=0, momentum=0.5)
    state = run_update(recipe, [ONE, ONE, ONE])
    np.testing.assert_allclose(state["a"], 1 - 0.1 * ONE["a"] * (1 + 1.5 + 1.75))
