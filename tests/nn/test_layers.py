"""Every layer of the library: every gradient against central differences, in float64."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from flux.expr import inputs
from flux.expr.evaluate import evaluate
from flux.nn import Model
from flux.syntax import load_text
from flux.training.library import graph

SIZES = {"b": 2, "t": 3, "n": 4, "d": 4, "e": 3, "h": 2, "k": 2, "f": 5, "v": 6, "i": 3}

# What is tested: a model's text around the layer, whose loss weighs every element differently.
WEIGH = (
    "    loss = mean[b, t, {axis}](y*cos(1 + 3*position[b] + 5*position[t] + 7*position[{axis}]))\n"
)
LAYERS = {
    "linear": ("x[b, t, d], p[e]", "linear[d, e](x)", "e"),
    "layer_norm": ("x[b, t, d]", "layer_norm(x)", "d"),
    "rms_norm": ("x[b, t, d]", "rms_norm(x)", "d"),
    "embedding": ("tokens[b, t]: int, p[v, d]", "embedding[v, d](tokens)", "d"),
    "position_embedding": ("x[b, t, d], p[n]", "x + position_embedding[t, n, d]()", "d"),
    "attention": ("x[b, t, d], p[h, k]", "attention(x; depth = 2)", "d"),
    "mlp": ("x[b, t, d], p[f]", "mlp(x; depth = 2)", "d"),
    "block": ("x[b, t, d], p[h, k, f]", "block(x; depth = 2)", "d"),
    "two layers": ("x[b, t, d]", "layer_norm(rms_norm(x))", "d"),
}


def build(name: str, seed: int = 0) -> Model:
    formals, call, axis = LAYERS[name]
    text = f"model tested({formals}):\n    y = {call}\n{WEIGH.format(axis=axis)}"
    made = Model(load_text(text, name)["tested"].build(), SIZES, seed=seed, dtype="float64")
    random = np.random.default_rng(seed)
    for array in made.parameters.values():
        array += random.normal(0, 0.5, array.shape)
    return made


def arrays_for(model: Model, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    arrays = {}
    for e in model.graph.inputs:
        name, axes, integer, _ = e.attributes
        shape = tuple(SIZES[axis] for axis in axes)
        arrays[name] = (
            random.integers(0, SIZES["v"], shape) if integer else random.normal(0, 1, shape)
        )
    return arrays


@pytest.mark.parametrize("name", LAYERS)
def test_every_gradient_agrees_with_central_differences(name: str) -> None:
    model = build(name)
    arrays = arrays_for(model)
    found = model.gradient(**arrays)
    assert found.keys() == model.parameters.keys()
    assert found
    for path, values in model.parameters.items():
        expected = np.zeros(values.size)
        flat = values.reshape(-1)
        for i in range(flat.size):
            expected[i] = _difference(model, arrays, flat, i)
        np.testing.assert_allclose(
            found[path].reshape(-1), expected, rtol=1e-6, atol=1e-9, err_msg=path
        )


def _difference(model: Model, arrays: Mapping[str, np.ndarray], flat: np.ndarray, i: int) -> float:
    kept, step = flat[i], 1e-5
    losses = []
    for value in (kept + step, kept - step):
        flat[i] = value
        losses.append(model.loss(**arrays))
    flat[i] = kept
    return (losses[0] - losses[1]) / (2 * step)


@pytest.mark.parametrize("name", LAYERS)
def test_a_compiled_layer_agrees_with_the_reference_evaluator(name: str) -> None:
    model = build(name)
    arrays = arrays_for(model)
    value = model.graph.values["y"]
    axes = ("b", "t", LAYERS[name][2])
    found = model.evaluate("y", order=axes, **arrays)
    used = {e.attributes.name for e in inputs(model.graph.result)}
    given = {n: a for n, a in {**arrays, **model.parameters}.items() if n in used}
    loss = float(evaluate(model.graph.result, given, sizes=SIZES))
    random = np.cos(1 + 3 * np.arange(2)[:, None, None] + 5 * np.arange(3)[:, None]
                    + 7 * np.arange(found.shape[-1]))  # fmt: skip
    assert value.axes == set(axes)
    assert (found * random).mean() == pytest.approx(loss, rel=1e-12)


def test_layer_norm_has_mean_zero_and_variance_one() -> None:
    model = Model(load_text(
        "model m(x[b, d]):\n    y = layer_norm(x)\n    loss = mean[b, d](y)\n"
    )["m"].build(), {"d": 64}, dtype="float64")  # fmt: skip
    x = np.random.default_rng(0).normal(3, 5, (2, 64))
    y = model.evaluate("y", x=x)
    np.testing.assert_allclose(y.mean(-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(-1), 1, rtol=1e-5)


def test_each_block_owns_its_parameters() -> None:
    paths = [parameter.path for parameter in graph("gpt", layers=3).parameters]
    assert len(set(paths)) == len(paths)
    for i in range(3):
        assert f"block.{i}.attention.Wq" in paths
