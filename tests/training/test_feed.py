from __future__ import annotations

import numpy as np
import pytest

from flux.errors import ArgumentError, DataError, ShapeError
from flux.expr import variable
from flux.nn import conform, sizes_of
from flux.training.feed import feed
from flux.training.recipe import Recipe

X = variable("x", ("b", "i"))
LABEL = variable("label", ("b",), integer=True)
BATCH = {"x": np.ones((4, 3)), "label": np.array([0, 1, 1, 0], np.int32)}


def test_one_batch_is_used_at_every_step_and_several_in_turn() -> None:
    assert feed(BATCH)(0)["x"] is feed(BATCH)(9)["x"]
    turns = feed([{"x": 0}, {"x": 1}, {"x": 2}])
    assert [int(turns(step)["x"]) for step in range(5)] == [0, 1, 2, 0, 1]
    assert feed(lambda step: {"x": np.array(step)})(7)["x"] == 7


OTHERS = [([], DataError), (3, ArgumentError), ("ab", ArgumentError)]


@pytest.mark.parametrize(("source", "error"), OTHERS)
def test_other_data_are_refused(source: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        feed(source)  # type: ignore[arg-type]


def test_arrays_take_the_types_that_the_model_computes_with() -> None:
    arrays = conform({**BATCH, "unused": np.zeros(3)}, (X, LABEL), "float32")
    assert arrays["x"].dtype == np.float32
    assert arrays["label"].dtype == np.int64
    assert list(arrays) == ["x", "label"]


BAD = [
    ({"x": np.ones((4, 3))}, DataError, "no 'label'"),
    ({**BATCH, "x": np.ones(4)}, ShapeError, "shape (4,)"),
    ({**BATCH, "x": np.full((4, 3), "a")}, DataError, "must be numeric"),
    ({**BATCH, "label": np.ones(4)}, DataError, "holds integers"),
]


@pytest.mark.parametrize(("batch", "error", "message"), BAD)
def test_arrays_that_do_not_fit_are_refused(
    batch: dict[str, np.ndarray], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        conform(batch, (X, LABEL), "float32")
    assert message in str(caught.value)


def test_sizes_follow_from_the_arrays() -> None:
    assert sizes_of(BATCH, (X, LABEL), {"h": 8}) == {"h": 8, "b": 4, "i": 3}
    with pytest.raises(ShapeError, match="size 4 in label and 5 in x"):
        sizes_of({**BATCH, "x": np.ones((5, 3))}, (X, LABEL), {})
    with pytest.raises(ShapeError, match="size 3 in x and 2 in the model"):
        sizes_of(BATCH, (X, LABEL), {"i": 2})


RECIPES = [
    ({"optimizer": "addamw"}, "did you mean `adamw`?"),
    ({"learning_rate": -1.0}, "learning_rate"),
    ({"clip": float("nan")}, "clip"),
    ({"beta2": 1.0}, "beta2"),
]


@pytest.mark.parametrize(("values", "message"), RECIPES)
def test_impossible_recipes_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Recipe(**values)  # type: ignore[arg-type]
    assert message in str(caught.value)
