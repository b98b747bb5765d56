"""Steps that follow the mean gradient of several batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flux.errors import ArgumentError, FluxError
from flux.nn import Model
from flux.syntax import load_text
from flux.training.recipe import OPTIMISERS
from flux.training.trainer import Trainer
from tests.gpt_models import batch, gpt

PARTS = 3


def whole(step: int) -> dict[str, np.ndarray]:
    tokens, targets = batch(seed=step)
    return {"tokens": tokens, "targets": targets}


def part(number: int) -> dict[str, np.ndarray]:
    step, row = divmod(number, PARTS)
    return {name: array[row : row + 1] for name, array in whole(step).items()}


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"clip": 0.0, "weight_decay": 0.0},
    "clipped": {"clip": 0.3, "weight_decay": 0.1, "warm_up": 3, "steps": 8},
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "nesterov"])
def test_parts_of_a_batch_train_as_the_whole_does(optimizer: str, options: str) -> None:
    numbers = {"learning_rate": 1e-2, **OPTIONS[options]}
    one, many = gpt(), gpt()
    trainers = [
        Trainer(one, optimizer, whole, **numbers),
        Trainer(many, optimizer, part, accumulate=PARTS, **numbers),
    ]
    losses = np.array([[trainer.advance() for trainer in trainers] for _ in range(8)])
    np.testing.assert_allclose(losses[:, 1], losses[:, 0], rtol=1e-12)
    for path, array in one.parameters.items():
        np.testing.assert_allclose(
            many.parameters[path], array, rtol=1e-12, atol=1e-12, err_msg=path
        )


def test_a_resumed_run_that_accumulates_has_the_bits_of_an_uninterrupted_one() -> None:
    def trainer() -> Trainer:
        return Trainer(gpt(), data=part, accumulate=PARTS, learning_rate=1e-2)

    straight, first, second = trainer(), trainer(), trainer()
    straight.run(7)
    first.run(3)
    second.load_state({name: array.copy() for name, array in first.state().items()}, 3)
    second.run(4)
    for name, array in straight.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMISERS)
def test_the_state_is_that_of_a_plain_step(optimizer: str) -> None:
    plain = Trainer(gpt(), optimizer, part).state()
    found = Trainer(gpt(), optimizer, part, accumulate=2).state()
    assert {n: a.shape for n, a in found.items()} == {n: a.shape for n, a in plain.items()}


def test_threads_change_no_bits_of_it() -> None:
    states = []
    for threads in (1, 2):
        trainer = Trainer(gpt(dtype="float32"), data=part, accumulate=2, threads=threads)
        trainer.run(3)
        states.append(b"".join(array.tobytes() for array in trainer.state().values()))
    assert states[0] == states[1]


NOISY = """
model noisy[h](x[b]):
    param W[h] ~ normal(0, 1)
    loss = mean[b, h](W*where(random[b, h]() < 0.5, x, 0))
"""


def test_each_batch_of_a_step_draws_its_own_random_numbers() -> None:
    graph = load_text(NOISY)["noisy"].build()
    data = {"x": np.ones(5)}

    def losses(accumulate: int, steps: int) -> list[float]:
        made = Model(graph, {"h": 4}, dtype="float64")
        trainer = Trainer(made, "sgd", data, accumulate=accumulate, learning_rate=0.0)
        return [trainer.advance() for _ in range(steps)]

    single = losses(1, 4)
    assert len(set(single)) == 4
    np.testing.assert_allclose(losses(2, 2), np.mean(np.reshape(single, (2, 2)), -1), rtol=1e-12)


@pytest.mark.parametrize("accumulate", [0, -1, 1.5, True, "2", None])
def test_what_is_no_number_of_batches_is_refused(accumulate: Any) -> None:
    with pytest.raises(ArgumentError, match="accumulate must be a whole number"):
        Trainer(gpt(), data=part, accumulate=accumulate)


def test_batches_of_one_step_have_one_shape() -> None:
    trainer = Trainer(gpt(), data=[part(0), whole(0)], accumulate=2)
    with pytest.raises(FluxError, match="axis b"):
        trainer.advance()
