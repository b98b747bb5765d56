"""A whole transformer as a text: it elaborates as its author means it."""

from __future__ import annotations

import numpy as np
import pytest

from flux.calculus import gradient
from flux.expr import count_nodes, inputs, variable
from flux.expr.evaluate import evaluate
from flux.expr.print_text import to_text
from flux.expr.signature import result_axes
from flux.syntax import Graph, load_text, parse

GPT = """\
# transformer.flux: a decoder-only transformer, as mathematics

gelu(x) = 0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3)))

softmax[i](x):
    z = exp(x - stop(max[i](x)))
    z / sum[i](z)

layer norm[d](x[d]):
    param gain[d] = 1
    param bias[d] = 0
    c = x - mean[d](x)
    gain * c / sqrt(mean[d](c^2) + 1e-5) + bias

# Causal attention: nobody looks ahead.
layer attention[t, d, h, k](x[t, d]; depth: int):
    param Wq[d,h,k], Wk[d,h,k], Wv[d,h,k] ~ normal(0, 0.02)
    param Wo[h,k,d]                       ~ normal(0, 0.02/sqrt(2*depth))
    query  = sum[d](x * Wq)                         # [t, h, k]
    key    = sum[d](x * Wk)[t = s]                  # [s, h, k]: the same time axis, renamed
    value  = sum[d](x * Wv)[t = s]
    score  = sum[k](query * key) / sqrt(size[k])    # [t, s, h]
    weight = softmax[s](where(s <= t, score, -inf)) # an axis name is also its index
    sum[h, k](sum[s](weight * value) * Wo)          # [t, h, k] with Wo[h, k, d] gives [t, d]

layer mlp[d, f](x[d]; depth: int):
    param W1[d,f] ~ normal(0, 0.02)
    param W2[f,d] ~ normal(0, 0.02/sqrt(2*depth))
    sum[f](gelu(sum[d](x * W1)) * W2)

layer block[t, d, h, k, f](x[t, d]; depth: int = 1):
    y = x + attention(norm(x); depth = depth)
    y + mlp(norm(y); depth = depth)

model gpt(tokens[b, t], targets[b, t]; layers: int = 4):
    param E[v, d], P[n, d] ~ normal(0, 0.02)
    x = E[tokens, d] + P[n = t]                     # an integer tensor as an index is a gather
    x1 = repeat(block, layers)(x; depth = layers)
    hidden = norm(x1)
    logits = sum[d](hidden * E)
    loss = mean[b, t](logsumexp[v](logits) - logits[v = targets])
"""

SIZES = {"v": 7, "d": 6, "h": 2, "k": 3, "f": 8, "n": 5}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return load_text(GPT, "transformer.flux")["gpt"].build(layers=2)


def test_inputs_that_are_indices_are_integers(graph: Graph) -> None:
    wanted = [variable(name, ("b", "t"), integer=True) for name in ("tokens", "targets")]
    assert list(graph.inputs) == wanted


def test_parameters_are_named_by_their_layers(graph: Graph) -> None:
    block = ["norm.gain", "norm.bias", *(f"attention.W{c}" for c in "qkvo")]
    block += ["norm_1.gain", "norm_1.bias", "mlp.W1", "mlp.W2"]
    paths = ["E", "P", *(f"block.{i}.{name}" for i in (0, 1) for name in block)]
    assert [p.path for p in graph.parameters] == [*paths, "norm.gain", "norm.bias"]


def test_every_binding_of_the_body_is_a_value(graph: Graph) -> None:
    assert list(graph.values) == ["x", "x1", "hidden", "logits", "loss"]
    assert graph.values["loss"] is graph.result
    assert graph.values["logits"].axes == {"b", "t", "v"}
    assert graph.integers == {"layers": 2}


def test_the_loss_depends_on_inputs_and_parameters_alone(graph: Graph) -> None:
    known = {*graph.inputs, *(p.input for p in graph.parameters)}
    assert set(inputs(graph.result)) == known


def test_expressions_know_where_they_come_from(graph: Graph) -> None:
    lines = {span.line for span in graph.origins[graph.values["logits"]]}
    assert GPT.splitlines().index("    logits = sum[d](hidden * E)") + 1 in lines


def test_the_graph_grows_with_the_layers_only(graph: Graph) -> None:
    module = load_text(GPT)
    counts = [count_nodes(module["gpt"].build(layers=n).result) for n in (1, 2, 3)]
    assert counts[2] - counts[1] == counts[1] - counts[0]


def test_it_prints_and_reads_back(graph: Graph) -> None:
    assert parse(to_text(graph.result)) is graph.result


def test_its_value_and_gradients_are_right(graph: Graph) -> None:
    rng = np.random.default_rng(3)
    values = {
        p.path: np.asarray(rng.normal(0, 0.3, [SIZES[a] for a in p.input.attributes.axes]))
        for p in graph.parameters
    }
    values |= {name: rng.integers(0, SIZES["v"], (2, 4)) for name in ("tokens", "targets")}
    slopes = gradient(graph.result, [p.input for p in graph.parameters])
    for parameter, slope in list(zip(graph.parameters, slopes, strict=True))[::5]:
        direction = rng.normal(size=values[parameter.path].shape)
        start = values[parameter.path]
        moved = [
            evaluate(graph.result, {**values, parameter.path: start + s * direction})
            for s in (1e-4, -1e-4)
        ]
        declared = parameter.input.attributes.axes
        order = [declared.index(axis) for axis in result_axes(slope)]
        claimed = np.sum(np.asarray(evaluate(slope, values)) * direction.transpose(order))
        assert claimed == pytest.approx((moved[0] - moved[1]) / 2e-4, rel=1e-5, abs=1e-9)


def test_comments_above_a_definition_describe_it() -> None:
    module = load_text(GPT)
    assert module["attention"].doc == "Causal attention: nobody looks ahead."
    assert str(module["attention"]) == "layer attention[t, d, h, k](x[t, d]; depth: int)"
    assert list(module.models) == ["gpt"]
    assert set(module.layers) == {"norm", "attention", "mlp", "block"}
    assert set(module.functions) == {"gelu", "softmax"}


def test_a_model_may_declare_inputs_in_its_body() -> None:
    text = "model m(a[t]):\n    input i[b], scale\n    assume scale > 0\n    scale*a[t = i]"
    graph = load_text(text)["m"].build()
    wanted = [
        variable("a", ("t",)),
        variable("i", ("b",), integer=True),
        variable("scale", assumption="> 0"),
    ]
    assert list(graph.inputs) == wanted
