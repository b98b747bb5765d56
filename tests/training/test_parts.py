"""Steps whose batch is computed in parts, side by side on threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flux.errors import ArgumentError, DomainError, LimitError
from flux.nn import Model
from flux.program import cost_of
from flux.syntax import load_text
from flux.training import memory
from flux.training.recipe import OPTIMISERS
from flux.training.trainer import Trainer
from tests.gpt_models import batch, gpt

SIZE = 3  # windows of `batch`
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"clip": 0.0},
    "clipped": {"clip": 0.3, "weight_decay": 0.1, "warm_up": 3, "steps": 8},
    "guarded": {"not_finite": "skip"},
    "accumulated": {"accumulate": 2},
    "accumulated and guarded": {"accumulate": 2, "not_finite": "zero"},
}


def whole(step: int) -> dict[str, np.ndarray]:
    tokens, targets = batch(seed=step)
    return {"tokens": tokens, "targets": targets}


def trainer(parts: int, optimizer: str = "adamw", **options: Any) -> Trainer:
    return Trainer(gpt(), optimizer, whole, parts=parts, learning_rate=1e-2, **options)


@pytest.mark.parametrize("options", OPTIONS)
def test_parts_train_as_the_whole_does(options: str) -> None:
    one, many = (trainer(parts, **OPTIONS[options]) for parts in (1, SIZE))
    losses = np.array([[each.advance() for each in (one, many)] for _ in range(8)])
    np.testing.assert_allclose(losses[:, 1], losses[:, 0], rtol=1e-12)
    assert many.norm == pytest.approx(one.norm, rel=1e-10)
    for path, array in one.model.parameters.items():
        found = many.model.parameters[path]
        np.testing.assert_allclose(found, array, rtol=1e-9, atol=1e-12, err_msg=path)


@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_every_optimiser_takes_parts(optimizer: str) -> None:
    one, many = (trainer(parts, optimizer) for parts in (1, SIZE))
    assert many.run(4) == pytest.approx(one.run(4), rel=1e-9)


def test_one_number_of_parts_gives_one_set_of_bits() -> None:
    first, *others = (trainer(SIZE, clip=0.3) for _ in range(4))
    first.run(6)
    for other in others:
        other.run(6)
        for name, array in first.state().items():
            assert array.tobytes() == other.state()[name].tobytes()


def test_a_resumed_run_has_the_bits_of_an_uninterrupted_one() -> None:
    straight, first, second = (trainer(SIZE) for _ in range(3))
    straight.run(7)
    first.run(3)
    second.load_state({name: array.copy() for name, array in first.state().items()}, 3)
    second.run(4)
    for name, array in straight.state().items():
        assert array.tobytes() == second.state()[name].tobytes()


def test_a_run_can_be_cut_on_the_way() -> None:
    one, many = trainer(1), trainer(1)
    one.run(6)
    many.run(3)
    many.share(1, SIZE)
    many.run(3)
    for path, array in one.model.parameters.items():
        np.testing.assert_allclose(many.model.parameters[path], array, rtol=1e-9, atol=1e-12)


def test_a_way_that_cannot_be_taken_leaves_the_trainer_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, many = trainer(1), trainer(1)
    one.run(4)
    many.run(2)
    with pytest.raises(ArgumentError, match="cannot be cut into 2 parts"):
        many.share(1, 2)
    held = many.bytes
    with monkeypatch.context() as patched:
        patched.setattr(memory, "physical_bytes", lambda: held * 5 // 4 + 1)
        with pytest.raises(LimitError, match="needs"):
            many.share(1, SIZE)
    many.run(2)
    for name, array in one.state().items():
        assert array.tobytes() == many.state()[name].tobytes()


def test_what_a_step_holds_and_does_counts_every_part() -> None:
    one, many = trainer(1), trainer(SIZE)
    assert one.flops == cost_of(one.program).flops
    assert many.flops == pytest.approx(one.flops, rel=0.2)
    parameters = sum(array.nbytes for array in many.model.parameters.buffers.values())
    assert many.bytes > many.arena_bytes + (SIZE + 3) * parameters
    assert 0.5 * one.arena_bytes < many.arena_bytes < 2 * one.arena_bytes


NORMED = """
model m[d](x[b, d], y[b]):
    param W[d] ~ normal(0, 1)
    found = sum[d](x*W)
    loss = mean[b]((found - mean[b](found) - y)^2)
"""


@pytest.mark.parametrize("parts", [2, 5])
def test_a_batch_whose_examples_meet_is_not_cut(parts: int) -> None:
    model = Model(load_text(NORMED)["m"].build(), {"d": 2})
    data = {"x": np.ones((10, 2)), "y": np.ones(10)}
    with pytest.raises(ArgumentError, match=f"cannot be cut into {parts} parts"):
        Trainer(model, data=data, parts=parts)
    assert Trainer(model, data=data).most_parts(8) == 1


@pytest.mark.parametrize("parts", [0, -1, True, 1.5, "2", None])
def test_a_number_of_parts_that_is_none_is_refused(parts: Any) -> None:
    with pytest.raises(ArgumentError, match="parts must be a whole number"):
        trainer(parts)


def test_a_loss_of_one_part_that_is_not_finite_stops_the_step() -> None:
    def poisoned(step: int) -> dict[str, np.ndarray]:
        x = np.ones((4, 2))
        x[3] = np.inf if step == 2 else 1
        return {"x": x, "y": np.ones(4)}

    plain = NORMED.replace(" - mean[b](found)", "")
    model = Model(load_text(plain)["m"].build(), {"d": 2})
    found = Trainer(model, data=poisoned, parts=2)
    with pytest.raises(DomainError, match="step 3"):
        found.run(4)


def test_a_mistake_in_one_part_is_raised_as_it_is() -> None:
    for parts in (1, SIZE):
        with pytest.raises(DomainError, match="1000000"):
            Trainer(gpt(), data=_outside, parts=parts).run(1)
    assert np.isfinite(trainer(SIZE).run(1))


def _outside(step: int) -> dict[str, np.ndarray]:
    arrays = {name: array.copy() for name, array in whole(step).items()}
    arrays["tokens"][-1] = 10**6
    return arrays


def test_parts_that_memory_does_not_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    held = trainer(SIZE).bytes
    monkeypatch.setattr(memory, "physical_bytes", lambda: held // 2)
    with pytest.raises(LimitError, match="needs"):
        trainer(SIZE)
