"""Random numbers: the same bits on every evaluator, for every dtype, size and place."""

import numpy as np
import pytest

from flux import philox
from flux.errors import ArgumentError, ShapeError
from flux.expr import constant, random, variable
from tests.backends.agree import BACKENDS, over_rows, reference, run

SEED, STEP = variable("seed", integer=True), variable("step", integer=True)
VALUES = {"seed": np.array(7), "step": np.array(123)}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("axes", [(), ("a",), ("a", "b"), ("b", "a"), ("a", "one", "b")])
def test_the_bits_are_those_of_philox(backend, dtype, axes):
    sizes = {"a": 5, "b": 3, "one": 1}
    e = random("drop", axes, SEED, STEP)
    shape = [sizes[axis] for axis in axes]
    wanted = philox.uniform(7, "drop", 123, int(np.prod(shape)), dtype=dtype).reshape(shape)
    order = sorted(range(len(axes)), key=lambda i: axes[i])
    wanted = wanted.transpose(order)  # no input declares an order: by name
    np.testing.assert_array_equal(run(e, backend, VALUES, sizes, dtype), wanted)
    if dtype == "float64":
        np.testing.assert_array_equal(reference(e, VALUES, sizes), wanted)


@pytest.mark.parametrize("backend", BACKENDS)
def test_sites_steps_and_seeds_give_different_streams(backend):
    sizes = {"a": 50}
    draws = [
        run(random(site, ("a",), constant(seed), constant(step)), backend, {}, sizes)
        for site, seed, step in [("x", 1, 2), ("y", 1, 2), ("x", 2, 2), ("x", 1, 3), ("x", 2, 1)]
    ]
    assert len({tuple(draw) for draw in draws}) == 5


@pytest.mark.parametrize("backend", BACKENDS)
def test_rows_share_one_draw(backend):
    x = variable("x", ("a",))
    e = x * 0 + random("s", ("a",), constant(1), constant(2))
    found = over_rows(e, backend, {"x": np.zeros((9, 4))})
    np.testing.assert_array_equal(found, [philox.uniform(1, "s", 2, 4)] * 9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_seed_is_one_whole_number(backend):
    with pytest.raises(ArgumentError, match="must hold whole numbers"):
        over_rows(random("s", ("a",), SEED, STEP), backend, {**VALUES, "seed": 0.5}, sizes={"a": 6})
    with pytest.raises(ShapeError, match="not one for each row"):
        over_rows(
            random("s", ("a",), SEED, STEP), backend, {**VALUES, "seed": [1, 2]}, sizes={"a": 6}
        )


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_stream_used_twice_is_one_value(backend):
    draw = random("s", ("a",), SEED, STEP)
    np.testing.assert_array_equal(run(draw - draw, backend, VALUES, {"a": 6}), np.zeros(6))
