"""Row blocks and recomputation keep the value of whole training steps, at any size of block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flux.backends import numpy_backend
from flux.backends.runner import Runner
from flux.calculus import gradient
from flux.expr import apply, reduce, variable
from flux.lower import fuse, gather, link, lower, recompute
from flux.nn import Model
from flux.ops import Op
from flux.program import Program
from flux.settings import override
from tests.gpt_models import SHAPE, assign, batch, gpt, parameters

SIZES = {"b": 3, "t": SHAPE.context}


def _gradient_stage(model: Model) -> Program:
    graph = model.graph
    inputs = [parameter.input for parameter in graph.parameters]
    found = gradient(graph.result, inputs)
    outputs = {"loss": graph.result}
    outputs |= {f"d {e.attributes.name}": g for e, g in zip(inputs, found, strict=True)}
    return lower(
        outputs,
        [*graph.inputs, *inputs],
        sizes={**model.sizes, **SIZES},
        orders={f"d {e.attributes.name}": e.attributes.axes for e in inputs},
        relaxed=True,
    )


def _run(program: Program, model: Model, backend: str) -> dict[str, Any]:
    tokens, targets = batch()
    state = {path: np.asarray(value) for path, value in model.state_dict().items()}
    with override(verify=True):
        return Runner(program, backend)(tokens=tokens, targets=targets, **state)


@pytest.mark.parametrize("block_bytes", [1, 500, 20_000])
@pytest.mark.parametrize("backend", ["numpy", "vm"])
def test_every_gradient_of_a_gpt_is_the_same_in_blocks(
    monkeypatch: pytest.MonkeyPatch, block_bytes: int, backend: str
) -> None:
    model = gpt()
    assign(model, parameters())
    plain = _gradient_stage(model)
    monkeypatch.setattr(fuse, "_LEAST_BYTES", 0)
    monkeypatch.setattr(fuse, "_LEAST_ROWS", 2)
    monkeypatch.setattr(recompute, "_LEAST_BYTES", 0)
    monkeypatch.setattr(gather, "_LARGE_BYTES", 1_000)
    monkeypatch.setattr(gather, "_SMALL_BYTES", 1_000)
    monkeypatch.setattr(numpy_backend, "_CACHE_BYTES", block_bytes)
    with override(verify=True):
        blocked = link([plain])
    assert len(blocked.functions) > 5
    names = {b.name.rstrip("0123456789.") for f in blocked.functions for b in f.buffers}
    again = [name for name in names if name.endswith("'")]
    assert again, "something is computed again"
    expected, found = _run(plain, model, "vm"), _run(blocked, model, backend)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-11, atol=1e-13, err_msg=name)


def test_what_a_product_keeps_is_not_computed_again() -> None:
    sizes = {"n": 512, "d": 512, "e": 512}
    x, y = variable("x", ("n", "d")), variable("y", ("n", "d"))
    W, V = variable("W", ("d", "e")), variable("V", ("d", "e"))
    cheap = x * y
    first = reduce(Op.SUM, cheap * W, ["d"])
    total = reduce(Op.SUM, cheap, ["n"])
    second = reduce(Op.SUM, cheap * V, ["d"])
    for outputs, repeated in (
        ({"first": first, "total": total, "second": second}, False),
        ({"later": cheap * reduce(Op.SUM, apply(Op.TANH, first), ["n", "e"])}, True),
    ):
        program = link([lower(outputs, [x, y, W, V], sizes=sizes)])
        names = [b.name for function in program.functions for b in function.buffers]
        assert any(name.endswith("'") for name in names) == repeated
