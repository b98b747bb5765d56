from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flux.errors import ArgumentError, DataError, ShapeError
from flux.nn import OTHERS, WEIGHTS, Model
from flux.syntax import load_text

TEXT = """
model small[h](x[b, i], y[b]):
    param W[i, h] ~ normal(0, 0.5)
    param c[h] = 2
    param out[h] ~ normal(1, 0.1)
    loss = mean[b]((sum[h](tanh(sum[i](x*W) + c)*out) - y)^2)
"""
SIZES = {"i": 3, "h": 40}


def small(seed: int = 0, dtype: str = "float32") -> Model:
    return Model(load_text(TEXT)["small"].build(), SIZES, seed=seed, dtype=dtype)


def test_parameters_have_declared_order_shape_type_and_group() -> None:
    model = small()
    entries = model.parameters.entries
    assert [(e.path, e.axes, e.shape, e.group) for e in entries] == [
        ("W", ("i", "h"), (3, 40), WEIGHTS),
        ("c", ("h",), (40,), OTHERS),
        ("out", ("h",), (40,), WEIGHTS),
    ]
    assert model.count == 200
    assert all(array.dtype == np.float32 for array in model.parameters.values())


def test_a_group_is_one_buffer_in_declared_order() -> None:
    model = small()
    flat = model.parameters.buffers[WEIGHTS]
    np.testing.assert_array_equal(flat[:120].reshape(3, 40), model.parameters["W"])
    np.testing.assert_array_equal(flat[120:], model.parameters["out"])
    model.parameters["W"][1, 2] = 7
    assert flat[42] == 7


def test_initial_values_have_their_distribution_and_follow_from_the_seed() -> None:
    model = small()
    np.testing.assert_array_equal(model.parameters["c"], 2)
    assert model.parameters["W"].std() == pytest.approx(0.5, rel=0.15)
    assert model.parameters["out"].mean() == pytest.approx(1, abs=0.1)
    assert small(0).state_dict()["W"].tobytes() == model.parameters["W"].tobytes()
    assert small(1).state_dict()["W"].tobytes() != model.parameters["W"].tobytes()


def test_both_float_types_start_from_the_same_numbers() -> None:
    single, double = small().parameters["W"], small(dtype="float64").parameters["W"]
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_parameters_survive_saving(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model, other = small(0), small(1)
    model.save(path)
    other.load(path)
    for name, array in model.parameters.items():
        np.testing.assert_array_equal(other.parameters[name], array)


def test_a_state_dict_is_a_copy() -> None:
    model = small()
    model.state_dict()["W"][:] = 9
    assert model.parameters["W"].max() < 9


def test_the_table_names_axes_and_counts() -> None:
    lines = small().parameters.table().splitlines()
    assert lines[0].split() == ["W", "[i=3,", "h=40]", "120"]
    assert lines[-1].split() == ["total", "200"]


STATES = [
    ({"W": np.zeros((3, 40)), "c": np.zeros(40)}, DataError, "'out' is missing"),
    ({**small().state_dict(), "outt": np.zeros(40)}, DataError, "did you mean `out`?"),
    ({**small().state_dict(), "W": np.zeros((40, 3))}, ShapeError, "[i=3, h=40]"),
]


@pytest.mark.parametrize(("state", "error", "message"), STATES)
def test_states_that_do_not_fit_are_refused_and_change_nothing(
    state: dict[str, np.ndarray], error: type[Exception], message: str
) -> None:
    model = small()
    before = model.state_dict()
    with pytest.raises(error) as caught:
        model.load_state_dict(state)
    assert message in str(caught.value)
    for name, array in before.items():
        np.testing.assert_array_equal(model.parameters[name], array)


SIZES_REFUSED = [
    ({"i": 3}, ShapeError, "axis h, whose size is not given"),
    ({"i": 3, "h": 0}, ShapeError, "whole number >= 1"),
    ({"i": 3, "h": 2.5}, ShapeError, "whole number >= 1"),
]


@pytest.mark.parametrize(("sizes", "error", "message"), SIZES_REFUSED)
def test_sizes_are_checked(sizes: dict[str, int], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Model(load_text(TEXT)["small"].build(), sizes)


def test_other_types_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="float32 or float64"):
        small(dtype="float16")
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"not a model")
    with pytest.raises(DataError, match="damaged"):
        small().load(path)
    with pytest.raises(DataError, match="cannot read"):
        small().load(tmp_path / "nothing")
