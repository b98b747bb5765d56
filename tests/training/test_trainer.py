from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flux.errors import ArgumentError, DataError, DomainError, FluxError, ShapeError
from flux.nn import Model
from flux.syntax import load_text
from flux.training.trainer import Trainer

XOR = """
model xor[h](x[b, i], y[b]):
    param W[i, h], out[h] ~ normal(0, 1)
    param c[h] = 0
    param d = 0
    hidden = tanh(sum[i](x*W) + c)
    loss = mean[b](binary_cross_entropy(sum[h](hidden*out) + d, y))
"""
XOR_BATCH = {"x": np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), "y": np.array([0, 1, 1, 0])}

CURVE = """
model curve[h](x[b], y[b]):
    param W[h], c[h], out[h] ~ normal(0, 1)
    found = sum[h](tanh(x*W + c)*out)
    loss = mean[b](squared_error(found, y))
"""
X = np.linspace(-3, 3, 40)
CURVE_BATCH = {"x": X, "y": np.sin(X)}

CLASSIFIER = """
model classifier[h, v](x[b, i], label[b]: int):
    param W[i, h], U[h, v] ~ normal(0, 0.5)
    param c[h] = 0
    logits = sum[h](relu(sum[i](x*W) + c)*U)
    loss = mean[b](cross_entropy(logits, label))
"""


TEXTS = {"xor": XOR, "curve": CURVE, "classifier": CLASSIFIER}
SIZES = {
    "xor": {"i": 2, "h": 4},
    "curve": {"h": 12},
    "classifier": {"i": 2, "h": 24, "v": 3},
}


def model(name: str, seed: int = 0) -> Model:
    return Model(load_text(TEXTS[name], name)[name].build(), SIZES[name], seed=seed)


def spiral(seed: int) -> dict[str, np.ndarray]:
    """Three arms of a spiral."""
    random = np.random.default_rng(seed)
    label = np.repeat(np.arange(3), 30)
    r = np.tile(np.linspace(0.1, 1, 30), 3)
    angle = 3 * r + label * 2 * np.pi / 3 + random.normal(0, 0.1, 90)
    return {"x": np.stack([r * np.cos(angle), r * np.sin(angle)], -1), "label": label}


TASKS = [
    ("xor", XOR_BATCH, 0.05, 400, 0.05),
    ("curve", CURVE_BATCH, 0.02, 1_000, 0.002),
    ("classifier", spiral(0), 0.03, 600, 0.15),
]


@pytest.mark.parametrize(("name", "batch", "rate", "steps", "reached"), TASKS)
def test_a_model_of_any_text_is_trained(
    name: str, batch: dict[str, np.ndarray], rate: float, steps: int, reached: float
) -> None:
    trainer = Trainer(model(name), data=batch, learning_rate=rate, weight_decay=0.0)
    first = trainer.advance()
    last = trainer.run(steps)
    assert first > 4 * reached
    assert last < reached
    assert trainer.loss(batch) < reached


def test_the_classifier_knows_points_that_it_has_not_seen() -> None:
    made = model("classifier")
    Trainer(made, data=spiral(0), learning_rate=0.03).run(600)
    assert Trainer(made, data=spiral(0)).loss(spiral(7)) < 0.3


def test_gradient_descent_with_momentum_learns_too() -> None:
    trainer = Trainer(model("xor"), "momentum", XOR_BATCH, learning_rate=0.1)
    assert trainer.run(600) < 0.05


def test_the_same_seed_gives_the_same_bits() -> None:
    def train(seed: int) -> tuple[float, bytes]:
        made = model("curve", seed)
        loss = Trainer(made, data=CURVE_BATCH, learning_rate=0.02).run(30)
        return loss, made.parameters["W"].tobytes()

    assert train(1) == train(1)
    assert train(1) != train(2)


def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one() -> None:
    def batches(step: int) -> dict[str, Any]:
        return {"x": X + 0.01 * step, "y": np.sin(X + 0.01 * step)}

    options: dict[str, Any] = {"learning_rate": 0.02, "warm_up": 5, "steps": 40}
    whole = Trainer(model("curve"), data=batches, **options)
    whole.run(40)
    first = Trainer(model("curve"), data=batches, **options)
    first.run(17)
    saved = {name: array.copy() for name, array in first.state().items()}
    second = Trainer(model("curve", seed=9), data=batches, **options)
    second.load_state(saved, 17)
    second.run(23)
    assert second.step == whole.step
    for path, array in whole.model.parameters.items():
        np.testing.assert_array_equal(second.model.parameters[path], array)


def test_training_stops_when_it_is_told_to() -> None:
    trainer = Trainer(model("xor"), data=XOR_BATCH)
    trainer.run(100, after=lambda step, loss: step == 7)
    assert trainer.step == 7


def test_a_loss_that_is_not_finite_is_found_at_its_step() -> None:
    bad = {**CURVE_BATCH, "y": np.where(np.arange(40) == 3, np.nan, 0)}
    trainer = Trainer(model("curve"), data=[CURVE_BATCH, bad])
    trainer.advance()
    with pytest.raises(DomainError, match="loss of step 2 is nan"):
        trainer.advance()


REFUSED = [
    ({"x": XOR_BATCH["x"]}, DataError, "no 'y'"),
    ({**XOR_BATCH, "y": np.zeros(3)}, ShapeError, "axis b"),
    ({**XOR_BATCH, "x": np.zeros((4, 3))}, ShapeError, "axis i"),
    (None, DataError, "needs data"),
]


@pytest.mark.parametrize(("batch", "error", "message"), REFUSED)
def test_data_that_do_not_fit_are_refused(
    batch: dict[str, np.ndarray] | None, error: type[FluxError], message: str
) -> None:
    with pytest.raises(error) as caught:
        Trainer(model("xor"), data=batch)
    assert message in str(caught.value)


def test_a_label_outside_its_axis_is_refused() -> None:
    batch = {**spiral(0), "label": np.full(90, 3)}
    trainer = Trainer(model("classifier"), data=batch)
    with pytest.raises(FluxError, match="3"):
        trainer.advance()


def test_a_graph_alone_is_refused_with_what_to_do() -> None:
    graph = load_text(XOR)["xor"].build()
    with pytest.raises(ArgumentError) as caught:
        Trainer(graph, data=XOR_BATCH)  # type: ignore[arg-type]
    assert "flux.Model(" in caught.value.hint


def test_a_result_that_is_not_a_scalar_is_refused() -> None:
    text = "model wide[h](x[b]):\n    param W[h] ~ normal(0, 1)\n    x*W\n"
    wide = Model(load_text(text, "wide")["wide"].build(), {"h": 2})
    with pytest.raises(ShapeError, match="scalar"):
        Trainer(wide, data={"x": np.ones(3)})


NOISY = """
model noisy[h](x[b], y[b]):
    param W[h], out[h] ~ normal(0, 1)
    kept = random[b, h]() >= 0.5
    found = sum[h](tanh(x*W)*out*where(kept, 2, 0))
    loss = mean[b](squared_error(found, y))
"""


def noisy_losses(seed: int) -> list[float]:
    made = Model(load_text(NOISY)["noisy"].build(), {"h": 12})
    trainer = Trainer(made, data=CURVE_BATCH, seed=seed, learning_rate=0.0, weight_decay=0.0)
    return [trainer.advance() for _ in range(4)]


def test_random_numbers_in_a_model_follow_from_seed_and_step() -> None:
    losses = noisy_losses(1)
    assert len(set(losses)) == 4  # nothing is learnt: only the step differs
    assert noisy_losses(1) == losses
    assert set(noisy_losses(2)).isdisjoint(losses)


def test_seeds_that_no_float32_holds_differ() -> None:
    assert noisy_losses(1 << 40) != noisy_losses((1 << 40) + 1)


AWKWARD = """
model awkward[h](weights[b], loss[b], step[b], gradient[b]):
    param W[h], others[h] ~ normal(0, 1)
    found = sum[h](tanh(weights*W + step)*others)
    mean[b]((found - loss*gradient)^2)
"""


def test_no_name_of_a_model_clashes_with_those_of_the_step() -> None:
    made = Model(load_text(AWKWARD)["awkward"].build(), {"h": 5}, dtype="float64")
    random = np.random.default_rng(0)
    batch = {e.attributes.name: random.normal(size=6) for e in made.graph.inputs}
    x, target = batch["weights"], batch["loss"] * batch["gradient"]
    hidden = np.tanh(x[:, None] * made.parameters["W"] + batch["step"][:, None])
    expected = ((hidden @ made.parameters["others"] - target) ** 2).mean()
    trainer = Trainer(made, data=batch)
    assert trainer.loss(batch) == pytest.approx(expected)
    assert trainer.advance() == pytest.approx(expected)
    assert trainer.run(50) < expected
