"""The transformer's variants: against NumPy, against differences, and nobody looks ahead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flux.errors import FluxError
from flux.nn import Model
from flux.philox import uniform
from flux.syntax import load_text
from flux.training.library import graph
from flux.training.trainer import Trainer
from tests import reference_transformer as reference

SIZES = {"n": 6, "d": 8, "g": 2, "h": 2, "k": 4, "f": 12, "v": 11}
MODERN = {"rms": 1, "rotating": 1, "gated": 1, "tied": 1, "biased": 0}
VARIANTS: dict[str, dict[str, float]] = {
    "plain": {},
    "post": {"post": 1},
    "rms": {"rms": 1},
    "sinusoidal": {"sinusoidal": 1},
    "rotating": {"rotating": 1},
    "rectified": {"rectified": 1},
    "gated": {"gated": 1},
    "tied": {"tied": 1},
    "unbiased": {"biased": 0},
    "modern": dict(MODERN),
    "as of 2017": {"post": 1, "sinusoidal": 1, "rectified": 1, "tied": 1},
    "dropped": {"dropout": 0.3},
    "modern, dropped": {**MODERN, "dropout": 0.2},
}
HEADS = {"shared": {}, "many": {"g": 4, "h": 1}, "one key": {"g": 1, "h": 4}}


def transformer(options: dict[str, float], **sizes: int) -> Model:
    """The variant in float64, every parameter moved away from where it starts."""
    made = graph("transformer", layers=2, **options)
    model = Model(made, {**SIZES, **sizes}, dtype="float64")
    random = np.random.default_rng(0)
    for array in model.parameters.values():
        array += random.normal(0, 0.3, array.shape)
    return model


def drawn(batch: int = 3) -> dict[str, np.ndarray]:
    tokens, targets = np.random.default_rng(1).integers(0, SIZES["v"], (2, batch, SIZES["n"]))
    return {"tokens": tokens, "targets": targets}


def whole(_: str, x: np.ndarray) -> np.ndarray:
    return x


def expected(model: Model, options: dict[str, float], drop: reference.Drop) -> np.ndarray:
    values = {path: array.astype(np.float64) for path, array in model.parameters.items()}
    return reference.logits(values, drawn()["tokens"], {"layers": 2, **options}, drop)


@pytest.mark.parametrize(
    ("name", "heads"),
    [*((name, "shared") for name in VARIANTS), ("modern", "many"), ("plain", "one key")],
)
def test_logits_and_loss_agree_with_the_reference(name: str, heads: str) -> None:
    model = transformer(VARIANTS[name], **HEADS[heads])
    wanted = expected(model, VARIANTS[name], whole)
    found = model.evaluate("logits", order=("b", "t", "v"), **drawn())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-10)
    loss = reference.cross_entropy(wanted, drawn()["targets"])
    assert model.loss(**drawn()) == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_gradient_agrees_with_central_differences(name: str) -> None:
    """Of the training graph, where there is one: it drops the same numbers at each run."""
    made = transformer(VARIANTS[name])
    model = Model(replace(made.training_graph, training=None), SIZES, dtype="float64")
    model.load_state_dict(made.state_dict())
    batch = drawn(batch=2)
    found = model.gradient(**batch)
    assert found.keys() == model.parameters.keys()
    random = np.random.default_rng(2)
    for path, values in model.parameters.items():
        flat = values.reshape(-1)
        for i in random.choice(flat.size, min(3, flat.size), replace=False):
            kept, losses = flat[i], []
            for step in (1e-5, -1e-5):
                flat[i] = kept + step
                losses.append(model.loss(**batch))
            flat[i] = kept
            difference = (losses[0] - losses[1]) / 2e-5
            assert found[path].reshape(-1)[i] == pytest.approx(difference, 1e-5, 1e-8), path


@pytest.mark.parametrize("name", VARIANTS)
def test_a_token_leaves_the_logits_before_it_as_they_were(name: str) -> None:
    model = transformer(VARIANTS[name])
    tokens = drawn()["tokens"]
    before = model.evaluate("logits", order=("b", "t", "v"), tokens=tokens)
    for place in (1, 3, SIZES["n"] - 1):
        changed = tokens.copy()
        changed[:, place] = (changed[:, place] + 1) % SIZES["v"]
        after = model.evaluate("logits", order=("b", "t", "v"), tokens=changed)
        np.testing.assert_array_equal(after[:, :place], before[:, :place])
        assert not np.array_equal(after[:, place:], before[:, place:])


OWNED = [
    ("plain", ("P", "head"), ("V1",)),
    ("rotating", ("head",), ("P",)),
    ("sinusoidal", ("head",), ("P",)),
    ("tied", ("P",), ("head",)),
    ("gated", ("feed_forward.V1",), ()),
    ("modern", ("rms_norm.gain",), ("P", "head", "bq", "bk", "bv", "bo", "b1", "b2", "bias")),
]


@pytest.mark.parametrize(("name", "present", "absent"), OWNED)
def test_what_an_option_leaves_out_owns_no_parameters(
    name: str, present: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    paths = list(transformer(VARIANTS[name]).parameters)
    for end in present:
        assert any(f".{path}".endswith(f".{end}") for path in paths), end
    for end in absent:
        assert not any(f".{path}".endswith(f".{end}") for path in paths), end


# ---- Dropout -------------------------------------------------------------------------------------


def dropping(rate: float, seed: int, step: int) -> reference.Drop:
    def drop(site: str, x: np.ndarray) -> np.ndarray:
        u = uniform(seed, site, step, x.size).reshape(x.shape)
        return np.where(u < rate, 0, x) / (1 - rate)

    return drop


@pytest.mark.parametrize("name", ["dropped", "modern, dropped"])
def test_a_training_step_drops_what_the_streams_say(name: str) -> None:
    options = VARIANTS[name]
    model = transformer(options)
    trainer = Trainer(model, "sgd", drawn(), seed=5, learning_rate=0.0, weight_decay=0.0)
    for step in range(3):
        wanted = expected(model, options, dropping(options["dropout"], 5, step))
        loss = reference.cross_entropy(wanted, drawn()["targets"])
        assert trainer.advance() == pytest.approx(loss, rel=1e-12)


def test_evaluation_drops_nothing() -> None:
    model, plain = transformer({"dropout": 0.5}), transformer({})
    assert list(model.parameters) == list(plain.parameters)
    assert model.loss(**drawn()) == plain.loss(**drawn())
    trainer = Trainer(model, "sgd", drawn(), learning_rate=0.0)
    assert trainer.loss(drawn()) == plain.loss(**drawn())
    assert trainer.advance() != pytest.approx(plain.loss(**drawn()), rel=1e-3)


def test_without_dropout_a_training_step_draws_nothing() -> None:
    made = graph("transformer", layers=1)
    assert [e.attributes.name for e in made.inputs] == ["tokens", "targets"]
    assert [e.attributes.name for e in (made.training or made).inputs] == ["tokens", "targets"]


LAYER = """
model kept[d](x[b, t, d]):
    y = dropout_layer(x; rate = 0.25)
    param a = 1
    loss = mean[b, t, d](a*y)
"""


def test_dropout_keeps_the_mean_and_its_share() -> None:
    made = load_text(LAYER)["kept"].build()
    assert made.training is not None
    model = Model(replace(made.training, training=None), {"d": 50})
    found = model.evaluate("y", x=np.ones((20, 30, 50)))
    assert set(np.unique(found)) == {0, np.float32(1 / 0.75)}
    assert found.mean() == pytest.approx(1, abs=0.01)
    assert Model(made, {"d": 50}).evaluate("y", x=np.ones((2, 3, 50))).min() == 1


def test_rotary_positions_need_an_even_head() -> None:
    model = transformer({"rotating": 1}, k=3)
    with pytest.raises(FluxError):
        model.loss(**drawn())


def test_a_variant_learns_a_batch_by_heart() -> None:
    made: Any = graph("transformer", layers=2, **MODERN)
    model = Model(made, {**SIZES, "v": 16})
    text = np.random.default_rng(3).permutation(16)[None, :7]
    batch = {"tokens": text[:, :-1], "targets": text[:, 1:]}
    trainer = Trainer(model, data=batch, learning_rate=0.01, weight_decay=0.0)
    assert trainer.advance() > 2
    assert trainer.run(200) < 0.05
