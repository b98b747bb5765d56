"""Cached decoding gives what the whole text gives, and refuses what looks ahead."""

from __future__ import annotations

import numpy as np
import pytest

import flux
from flux.errors import AxisError
from flux.expr import random, variable
from flux.nn import (
    CachedDecoder,
    Decoder,
    FullDecoder,
    Model,
    decoder_of,
    decoding_programs,
    window_program,
)
from flux.nn.one_step import one_step
from flux.ops import Op
from flux.training.library import graph

CONTEXT = 12
SIZES = {"n": CONTEXT, "d": 8, "h": 2, "k": 4, "f": 12, "v": 7}

HEAD = "model m[n, d, h, k, f, v](tokens[b, t]: int, targets[b, t]: int):\n"
TAIL = """
    param Wout[d, v] ~ normal(0, 1)
    logits = sum[d](y*Wout)
    loss = mean[b, t](cross_entropy(logits, targets))
"""
EMBED = "    param E[v, d] ~ normal(0, 1)\n    x = E[v = tokens]\n"
ATTENTION = """
    param Wq[d, h, k], Wk[d, h, k], Wv[d, h, k] ~ normal(0, 1)
    param Wo[h, k, d] ~ normal(0, 1)
    query = sum[d](x*Wq)
    key = sum[d](x*Wk)[t = s]
    value = sum[d](x*Wv)[t = s]
    score = sum[k](query*key)/sqrt(size[k])
"""
MIXED = "    y = x + sum[h, k](sum[s](weight*value)*Wo)\n"


def masked(weight: str) -> str:
    return EMBED + ATTENTION + f"    weight = {weight}\n" + MIXED


ROTARY = (
    EMBED
    + """
    param Wq[d, h, k], Wk[d, h, k], Wv[d, h, k] ~ normal(0, 1)
    param Wo[h, k, d] ~ normal(0, 1)
    half = size[k]/2
    angle = t*10000^(-(k % half)/half)
    other = where(k < size[k]/2, k + 2, k - 2)
    q = sum[d](x*Wq)
    p = sum[d](x*Wk)
    query = q*cos(angle) + where(k < 2, -1, 1)*q[k = other]*sin(angle)
    key = (p*cos(angle) + where(k < 2, -1, 1)*p[k = other]*sin(angle))[t = s]
    value = sum[d](x*Wv)[t = s]
    score = sum[k](query*key)/sqrt(size[k])
    weight = softmax[s](where(s <= t, score, -inf))
"""
    + MIXED
)

# Bodies of models that do not look ahead: each gives y[t, d].
CAUSAL = {
    "no attention": EMBED + "    y = tanh(x)*(1 + t)\n",
    "softmax behind a mask": masked("softmax[s](where(s <= t, score, -inf))"),
    "the mask written the other way": masked("softmax[s](where(t - s < 0, -inf, score))"),
    "a mask that is added": masked("softmax[s](score + where(s > t, -inf, 0))"),
    "a window of three": masked("softmax[s](where(s <= t && t - s < 3, score, -inf))"),
    "a bias by distance": masked("softmax[s](where(s < t + 1, score - 0.5*(t - s), -inf))"),
    "strictly before": masked("where(s < t, score, 0)"),
    "an exponential of its own": masked("exp(where(not s > t, score, -inf))"),
    "linear attention": masked("score*(s <= t)"),
    "rotary positions": ROTARY,
    "the token before": EMBED + "    y = x + 0.5*x[t = maximum(t - 1, 0)]\n",
    "a bag of the tokens so far": EMBED
    + "    y = x + sum[s](where(s <= t, x[t = s], 0))/(t + 1)\n",
    "learnt positions, two layers of attention": """
    param E[v, d], P[n, d] ~ normal(0, 1)
    y = repeat(block, 2)(E[v = tokens] + P[n = t])
""",
}


def build(body: str, dtype: str = "float64") -> Model:
    module = flux.load_text(HEAD + body + TAIL, "model.flux")
    return Model(module["m"].build(), sizes=SIZES, seed=3, dtype=dtype)


def cached(model: Model, context: int = CONTEXT) -> CachedDecoder:
    programs = decoding_programs(model, model.graph.values["logits"], "tokens", "t", context)
    return CachedDecoder(programs, model.parameters.buffers, "tokens", context)


def full(model: Model) -> FullDecoder:
    window = window_program(model, model.graph.values["logits"], "tokens", "t", CONTEXT)
    return FullDecoder(window, model.parameters.buffers, "tokens", CONTEXT)


def chosen(model: Model) -> Decoder:
    return decoder_of(model, model.graph.values["logits"], "tokens", "t", CONTEXT)


def whole(model: Model, tokens: np.ndarray) -> np.ndarray:
    found: np.ndarray = model.evaluate("logits", order=("b", "t", "v"), tokens=tokens[None])[0]
    return found


@pytest.mark.parametrize("body", CAUSAL.values(), ids=CAUSAL)
@pytest.mark.parametrize("known", [1, 5, CONTEXT])
def test_place_after_place_gives_the_values_of_the_whole(body: str, known: int) -> None:
    model = build(body)
    tokens = np.random.default_rng(0).integers(0, SIZES["v"], CONTEXT)
    decoder = cached(model)
    decoder.start(tokens[::-1])  # leaves rows behind that must not be seen
    found = [decoder.start(tokens[:known]).copy()]
    found += [decoder.advance(token).copy() for token in tokens[known:]]
    np.testing.assert_allclose(found, whole(model, tokens)[known - 1 :], rtol=1e-12, atol=1e-12)


# Bodies that need a later place: the message, and how the line begins that is at fault.
AHEAD = {
    "no mask": (masked("softmax[s](score)"), "may look ahead", "weight ="),
    "a mask that lets one later place in": (
        masked("softmax[s](where(s <= t + 1, score, -inf))"),
        "may look ahead",
        "weight =",
    ),
    "a mask the wrong way round": (
        masked("softmax[s](where(s >= t, score, -inf))"),
        "may look ahead",
        "weight =",
    ),
    "a mask with a large number": (
        masked("softmax[s](where(s <= t, score, -1000))"),
        "may look ahead",
        "y =",
    ),
    "a mask by content": (
        masked("softmax[s](where(score > 0, score, -inf))"),
        "may look ahead",
        "weight =",
    ),
    "the next token": (EMBED + "    y = x + x[t = minimum(t + 1, 5)]\n", "may look ahead", "y ="),
    "a token chosen by content": (EMBED + "    y = x + x[t = tokens]\n", "may look ahead", "y ="),
    "a mean over the time": (EMBED + "    y = x - mean[t](x)\n", "takes a sum over it", "y ="),
    "a maximum over the time": (EMBED + "    y = x - max[t](x)\n", "takes a max over it", "y ="),
    "a later row renamed once more": (
        EMBED
        + "    z = sum[s](where(s <= t, x[t = s], 0))\n"
        + "    y = z + sum[u](where(u <= t, x[t = s][s = u], 0))\n",
        "may look ahead",
        "y =",
    ),
    "a key of a key": (
        masked("softmax[s](where(s <= t, score + mean[s](score), -inf))"),
        "may look ahead",
        "weight =",
    ),
}


@pytest.mark.parametrize(("body", "message", "place"), AHEAD.values(), ids=AHEAD)
def test_what_looks_ahead_is_refused_with_its_line(body: str, message: str, place: str) -> None:
    model = build(body)
    with pytest.raises(AxisError, match=message) as caught:
        cached(model)
    lines = [span.line - 2 for span in caught.value.spans if span.source.name == "model.flux"]
    assert any(body.splitlines()[line].strip().startswith(place) for line in lines)


@pytest.mark.parametrize("body", [CAUSAL["rotary positions"], CAUSAL["the token before"]])
def test_a_full_window_goes_on_from_its_last_half(body: str) -> None:
    model = build(body)
    decoder, context = cached(model), CONTEXT
    tokens = np.random.default_rng(1).integers(0, SIZES["v"], 3 * context)
    found = [decoder.start(tokens[:1]).copy()]
    found += [decoder.advance(token).copy() for token in tokens[1:]]
    window: list[int] = []
    for token, value in zip(tokens, found, strict=True):
        if len(window) == context:
            window = window[-(context // 2) :]
        window.append(token)
        padded = np.array(window + [0] * (context - len(window)))
        np.testing.assert_allclose(value, whole(model, padded)[len(window) - 1], rtol=1e-10)


def test_both_decoders_agree_past_the_window() -> None:
    model = Model(graph("gpt", layers=2), SIZES, seed=4)
    one, other = cached(model), full(model)
    tokens = np.random.default_rng(2).integers(0, SIZES["v"], 4 * CONTEXT)
    np.testing.assert_allclose(one.start(tokens[:3]), other.start(tokens[:3]), atol=1e-5)
    for token in tokens[3:]:
        np.testing.assert_allclose(one.advance(token), other.advance(token), atol=1e-5)


def test_a_text_that_looks_ahead_is_decoded_whole() -> None:
    assert isinstance(chosen(build(AHEAD["no mask"][0])), FullDecoder)
    assert isinstance(chosen(build(ROTARY)), CachedDecoder)


def test_a_decoder_sees_parameters_that_have_changed() -> None:
    model = build(CAUSAL["softmax behind a mask"])
    decoder = cached(model)
    before = decoder.start(np.array([1, 2])).copy()
    model.parameters["Wout"][...] *= 2
    np.testing.assert_allclose(decoder.start(np.array([1, 2])), 2 * before)


def test_a_context_of_one_place_decodes() -> None:
    model = build(CAUSAL["softmax behind a mask"])
    decoder = cached(model, 1)
    decoder.start(np.array([3]))
    found = decoder.advance(5).copy()
    np.testing.assert_allclose(found, decoder.start(np.array([5])))


def test_random_numbers_along_the_time_are_refused() -> None:
    drawn = random("site", ("t",), variable("seed"), variable("step"))
    with pytest.raises(AxisError, match="draws random numbers along it"):
        one_step(drawn * 2, "t", [])
    step = one_step(random("site", ("d",), variable("seed"), variable("step")), "t", [])
    assert step.value.op is Op.RANDOM


VARIANTS = [
    {},
    {"post": 1, "biased": 0},
    {"rms": 1, "rotating": 1, "gated": 1, "tied": 1},
    {"sinusoidal": 1, "rectified": 1},
    {"dropout": 0.2},
]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_every_variant_of_the_library_s_transformer_decodes(options: dict[str, float]) -> None:
    made = graph("transformer", layers=2, **options)
    model = Model(made, {**SIZES, "g": 3}, seed=1, dtype="float64")
    drawn = np.random.default_rng(0)
    for array in model.parameters.values():
        array += drawn.normal(0, 0.5, array.shape)
    tokens = drawn.integers(0, SIZES["v"], CONTEXT)
    decoder = cached(model)
    found = [decoder.start(tokens[:3]).copy()]
    found += [decoder.advance(token).copy() for token in tokens[3:]]
    np.testing.assert_allclose(found, whole(model, tokens)[2:], rtol=1e-10, atol=1e-10)
