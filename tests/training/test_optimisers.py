"""Every optimiser, schedule and way of clipping: against NumPy written from the papers, and against
what PyTorch 2.13 gives for the same gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from flux.nn import Model
from flux.syntax import load_text
from flux.training.recipe import OPTIMISERS, SCHEDULES, Recipe
from flux.training.trainer import Trainer

STEPS = 50
# The gradient by W is g + 0.1 W, and W is a weight; the one by c is u, and c starts at a constant.
TEXT = """
model pulled[i, j](g[i], u[j]):
    param W[i] ~ normal(0, 1)
    param c[j] = 0.5
    loss = sum[i](W*g + 0.05*W^2) + sum[j](c*u)
"""
START = np.array([1.0, -2.0, 0.5])
Numbers = dict[str, Any]


def pull(step: int) -> dict[str, np.ndarray]:
    j = np.arange(3)
    return {"g": np.sin(0.7 * step + j) * (j + 1), "u": np.cos(step + np.arange(2.0))}


def trained(optimizer: str, count: int = STEPS, **numbers: Any) -> dict[str, np.ndarray]:
    graph = load_text(TEXT)["pulled"].build()
    model = Model(graph, {"i": 3, "j": 2}, dtype="float64")
    model.parameters["W"][:] = START
    Trainer(model, optimizer, pull, **numbers).run(count)
    return model.state_dict()


# ---- The reference -------------------------------------------------------------------------------

Update = Callable[[np.ndarray, np.ndarray, dict[str, Any], Recipe, int, float, float], np.ndarray]


def _adamw(p, g, kept, r, n, rate, decay):  # type: ignore[no-untyped-def]
    kept["m"] = r.beta1 * kept.get("m", 0) + (1 - r.beta1) * g
    kept["v"] = r.beta2 * kept.get("v", 0) + (1 - r.beta2) * g**2
    m, v = kept["m"] / (1 - r.beta1 ** (n + 1)), kept["v"] / (1 - r.beta2 ** (n + 1))
    return p - rate * decay * p - rate * m / (np.sqrt(v) + r.epsilon)


def _adam(p, g, kept, r, n, rate, decay):  # type: ignore[no-untyped-def]
    return _adamw(p, g + decay * p, kept, r, n, rate, 0.0)


def _lion(p, g, kept, r, n, rate, decay):  # type: ignore[no-untyped-def]
    m = kept.get("m", 0)
    kept["m"] = r.beta2 * m + (1 - r.beta2) * g
    return p - rate * (np.sign(r.beta1 * m + (1 - r.beta1) * g) + decay * p)


def _sgd(p, g, kept, r, n, rate, decay):  # type: ignore[no-untyped-def]
    return p - rate * (g + decay * p)


def _momentum(p, g, kept, r, n, rate, decay):  # type: ignore[no-untyped-def]
    kept["v"] = r.momentum * kept.get("v", 0) + g
    return p - rate * (kept["v"] + decay * p)


def _nesterov(p, g, kept, r, n, rate, decay):  # type: ignore[no-untyped-def]
    kept["v"] = r.momentum * kept.get("v", 0) + g
    return p - rate * (g + r.momentum * kept["v"] + decay * p)


REFERENCE: dict[str, Any] = {
    "adamw": _adamw,
    "adam": _adam,
    "lion": _lion,
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
}


def rate_of(r: Recipe, n: int) -> float:
    """The learning rate of step n, counted from 0, by branches."""
    if r.schedule == "inverse-root":
        w = max(1, r.warm_up)
        return r.learning_rate * w**0.5 * min((n + 1) ** -0.5, (n + 1) * w**-1.5)
    if n < r.warm_up:
        return r.learning_rate * (n + 1) / r.warm_up
    if r.schedule == "constant" or not r.steps:
        return r.learning_rate
    start = r.warm_up
    if r.schedule == "warm-up-stable-decay":
        start = max(start, r.steps * (1 - r.cooldown))
    done = min(1.0, max(0.0, (n - start) / max(1, r.steps - start)))
    fallen = (1 - math.cos(math.pi * done)) / 2 if r.schedule == "cosine" else done
    return r.learning_rate * (1 - (1 - r.final) * fallen)


def expected(optimizer: str, count: int = STEPS, **numbers: Any) -> dict[str, np.ndarray]:
    r = Recipe(optimizer, **numbers)
    values = {"W": START.copy(), "c": np.full(2, 0.5)}
    kept: dict[str, dict[str, Any]] = {"W": {}, "c": {}}
    for n in range(count):
        drawn = pull(n)
        found = {"W": drawn["g"] + 0.1 * values["W"], "c": drawn["u"]}
        if r.clip_value:
            found = {k: np.clip(g, -r.clip_value, r.clip_value) for k, g in found.items()}
        norm = math.sqrt(sum((g**2).sum() for g in found.values()))
        factor = r.clip / norm if r.clip and norm > r.clip else 1.0
        for name, g in found.items():
            decay = r.weight_decay if name == "W" or r.decay_all else 0.0
            values[name] = REFERENCE[optimizer](
                values[name], factor * g, kept[name], r, n, rate_of(r, n), decay
            )
    return values


def agree(optimizer: str, **numbers: Any) -> None:
    found, wanted = trained(optimizer, **numbers), expected(optimizer, **numbers)
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-12, atol=1e-13, err_msg=name)


# ---- Tests ---------------------------------------------------------------------------------------

OPTIONS: list[Numbers] = [
    {"clip": 0.0, "weight_decay": 0.0},
    {"clip": 0.0, "weight_decay": 0.3},
    {"clip": 0.0, "weight_decay": 0.3, "decay_all": True},
    {"clip": 1.5, "weight_decay": 0.1},
    {"clip": 0.0, "clip_value": 0.7},
    {"clip": 1.0, "clip_value": 0.7, "warm_up": 10, "steps": 40},
]


def test_every_optimiser_has_a_reference() -> None:
    assert OPTIMISERS.keys() == REFERENCE.keys()


@pytest.mark.parametrize("numbers", OPTIONS, ids=str)
@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_fifty_steps_agree_with_the_reference(optimizer: str, numbers: Numbers) -> None:
    agree(optimizer, learning_rate=0.03, **numbers)


OWN: list[tuple[str, Numbers]] = [
    ("adamw", {"beta1": 0.5, "beta2": 0.6, "epsilon": 0.1}),
    ("adam", {"beta1": 0.0, "beta2": 0.999, "epsilon": 1e-4}),
    ("lion", {"beta1": 0.95, "beta2": 0.98}),
    ("momentum", {"momentum": 0.99}),
    ("momentum", {"momentum": 0.0}),
    ("nesterov", {"momentum": 0.6}),
]


@pytest.mark.parametrize(("optimizer", "numbers"), OWN)
def test_the_numbers_of_an_optimiser_are_its_own(optimizer: str, numbers: Numbers) -> None:
    agree(optimizer, learning_rate=0.01, clip=0.0, **numbers)


SPANS: list[Numbers] = [
    {"warm_up": 7, "steps": 40},
    {"warm_up": 0, "steps": 40, "final": 0.0},
    {"warm_up": 12, "steps": 12},
    {"warm_up": 60, "steps": 80},
]


@pytest.mark.parametrize("span", SPANS, ids=str)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_agree_with_the_reference(schedule: str, span: Numbers) -> None:
    agree("sgd", schedule=schedule, learning_rate=0.05, **span)


def test_the_stable_part_lasts_until_the_cooldown() -> None:
    recipe: Numbers = {"schedule": "warm-up-stable-decay", "warm_up": 5, "steps": 40}
    agree("sgd", **recipe, cooldown=0.5, final=0.0)
    agree("sgd", **recipe, cooldown=0.0)
    agree("sgd", **recipe, cooldown=1.0)


# torch.optim.SGD, SGD(momentum=0.8), SGD(momentum=0.8, nesterov=True), Adam and AdamW: 20 steps in
# float64 from START, with the gradient of W above.
TORCH: list[tuple[str, Numbers, list[float]]] = [
    (
        "sgd",
        {"weight_decay": 0.1},
        [0.7947404335787013, -1.8038663826509802, 0.2060555089971645],
    ),
    (
        "momentum",
        {"weight_decay": 0.0, "momentum": 0.8},
        [0.5104489032358894, -1.615754577545099, 0.22119562740829013],
    ),
    (
        "nesterov",
        {"weight_decay": 0.0, "momentum": 0.8},
        [0.5204604589170365, -1.6746169495511554, 0.029626952832455963],
    ),
    (
        "adam",
        {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.97, "epsilon": 1e-3},
        [0.6377302620303741, -1.9426607391522448, 0.39802425208834813],
    ),
    (
        "adamw",
        {"weight_decay": 0.1, "beta1": 0.8, "beta2": 0.97, "epsilon": 1e-3},
        [0.6403081633268402, -1.8549140872637417, 0.37387044743700015],
    ),
]


@pytest.mark.parametrize(("optimizer", "numbers", "wanted"), TORCH)
def test_results_are_those_of_pytorch(
    optimizer: str, numbers: Numbers, wanted: list[float]
) -> None:
    found = trained(optimizer, 20, learning_rate=0.05, clip=0.0, **numbers)
    np.testing.assert_allclose(found["W"], wanted, rtol=1e-12)


def test_the_state_holds_what_the_optimiser_keeps_and_no_more() -> None:
    graph = load_text(TEXT)["pulled"].build()
    kept = {"sgd": 0, "momentum": 1, "nesterov": 1, "lion": 1, "adam": 2, "adamw": 2}
    for optimizer, count in kept.items():
        model = Model(graph, {"i": 3, "j": 2})
        assert len(Trainer(model, optimizer, pull).state()) == 2 * (1 + count)
