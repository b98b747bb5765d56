"""A GPT and AdamW in float64 NumPy, written from the mathematics and not through Flux.

It is what the language's own `gpt` is compared with: logits, every gradient, every step's loss.
Each piece is a pair of functions, forward and backward; `test_reference_gpt.py` compares the
backward ones with central differences.

Shapes: tokens and targets (B, T); E (V, D); P (T, D); Wq, Wk, Wv (D, H, K); Wo (H, K, D);
W1 (D, F); W2 (F, D); head W (D, V). Sources: Vaswani et al. (2017); Radford et al. (2019) for
the normalisation before each part; Hendrycks and Gimpel (2016) for GELU; Loshchilov and Hutter
(2019) for AdamW.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Tokens = NDArray[np.int64]
Parameters = dict[str, Array]

NORM_EPSILON = 1e-5
GELU_SCALE = np.sqrt(2 / np.pi)
GELU_CUBE = 0.044715


@dataclass(frozen=True)
class Shape:
    """The sizes of a model."""

    vocabulary: int
    context: int
    width: int
    heads: int
    layers: int
    feed_forward: int


def initial(shape: Shape, seed: int) -> Parameters:
    """Random parameters of a realistic scale; biases and gains are not at their neutral values."""
    random = np.random.default_rng(seed)
    return {path: random.normal(mean, 0.1, dims) for path, mean, dims in layout(shape)}


def layout(shape: Shape) -> list[tuple[str, float, tuple[int, ...]]]:
    """Path, mean of the random values and shape of each parameter."""
    d, h, f = shape.width, shape.heads, shape.feed_forward
    k = d // h
    rows: list[tuple[str, float, tuple[int, ...]]] = [
        ("E", 0, (shape.vocabulary, d)),
        ("P", 0, (shape.context, d)),
    ]
    for i in range(shape.layers):
        rows += [
            (f"{block(i)}{path}", mean, dims) for path, mean, dims in _block_layout(d, h, k, f)
        ]
    return [
        *rows,
        ("norm.gain", 1, (d,)),
        ("norm.bias", 0, (d,)),
        ("head", 0, (d, shape.vocabulary)),
    ]


def block(i: int) -> str:
    """What the paths of the i-th block's parameters begin with."""
    return f"block.{i}."


def _block_layout(d: int, h: int, k: int, f: int) -> list[tuple[str, float, tuple[int, ...]]]:
    return [
        ("norm1.gain", 1, (d,)),
        ("norm1.bias", 0, (d,)),
        ("attention.Wq", 0, (d, h, k)),
        ("attention.Wk", 0, (d, h, k)),
        ("attention.Wv", 0, (d, h, k)),
        ("attention.bq", 0, (h, k)),
        ("attention.bk", 0, (h, k)),
        ("attention.bv", 0, (h, k)),
        ("attention.Wo", 0, (h, k, d)),
        ("attention.bo", 0, (d,)),
        ("norm2.gain", 1, (d,)),
        ("norm2.bias", 0, (d,)),
        ("mlp.W1", 0, (d, f)),
        ("mlp.b1", 0, (f,)),
        ("mlp.W2", 0, (f, d)),
        ("mlp.b2", 0, (d,)),
    ]


def logits(parameters: Parameters, tokens: Tokens) -> Array:
    """What the model says of the next token at each place, shape (B, T, V)."""
    return _forward(parameters, tokens)[0]


def loss(parameters: Parameters, tokens: Tokens, targets: Tokens) -> float:
    """The mean cross-entropy of the targets, in nats."""
    return _cross_entropy(logits(parameters, tokens), targets)[0]


def gradients(parameters: Parameters, tokens: Tokens, targets: Tokens) -> tuple[float, Parameters]:
    """The loss and its derivative with respect to each parameter."""
    found, tape = _forward(parameters, tokens)
    value, cotangent = _cross_entropy(found, targets)
    return value, _backward(parameters, tokens, tape, cotangent)


# --- the model ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tape:
    blocks: list[dict[str, tuple[Array, ...]]]
    norm: tuple[Array, ...]
    hidden: Array


def _forward(parameters: Parameters, tokens: Tokens) -> tuple[Array, _Tape]:
    x = parameters["E"][tokens] + parameters["P"][: tokens.shape[1]]
    blocks = []
    for i in range(_layers(parameters)):
        x, saved = _block(_under(parameters, block(i)), x)
        blocks.append(saved)
    hidden, norm = _layer_norm(x, parameters["norm.gain"], parameters["norm.bias"])
    return hidden @ parameters["head"], _Tape(blocks, norm, hidden)


def _backward(parameters: Parameters, tokens: Tokens, tape: _Tape, g: Array) -> Parameters:
    found: Parameters = {"head": np.einsum("btd,btv->dv", tape.hidden, g)}
    g, gain, bias = _layer_norm_backward(g @ parameters["head"].T, tape.norm)
    found |= {"norm.gain": gain, "norm.bias": bias}
    for i in reversed(range(_layers(parameters))):
        g, inner = _block_backward(_under(parameters, block(i)), tape.blocks[i], g)
        found |= {block(i) + path: value for path, value in inner.items()}
    found["E"] = np.zeros_like(parameters["E"])
    np.add.at(found["E"], tokens, g)
    found["P"] = np.zeros_like(parameters["P"])
    found["P"][: tokens.shape[1]] = g.sum(0)
    return {path: found[path] for path in parameters}


def _layers(parameters: Mapping[str, Array]) -> int:
    return sum(path.endswith("attention.Wq") for path in parameters)


def _under(parameters: Parameters, prefix: str) -> Parameters:
    return {p.removeprefix(prefix): v for p, v in parameters.items() if p.startswith(prefix)}


def _block(p: Parameters, x: Array) -> tuple[Array, dict[str, tuple[Array, ...]]]:
    a, norm1 = _layer_norm(x, p["norm1.gain"], p["norm1.bias"])
    y, attention = _attention(p, a)
    x = x + y
    c, norm2 = _layer_norm(x, p["norm2.gain"], p["norm2.bias"])
    y, mlp = _mlp(p, c)
    return x + y, {"norm1": norm1, "attention": attention, "norm2": norm2, "mlp": mlp}


def _block_backward(
    p: Parameters, saved: Mapping[str, tuple[Array, ...]], g: Array
) -> tuple[Array, Parameters]:
    through, mlp = _mlp_backward(p, saved["mlp"], g)
    through, gain2, bias2 = _layer_norm_backward(through, saved["norm2"])
    g = g + through
    through, attention = _attention_backward(p, saved["attention"], g)
    through, gain1, bias1 = _layer_norm_backward(through, saved["norm1"])
    norms = {
        "norm1.gain": gain1,
        "norm1.bias": bias1,
        "norm2.gain": gain2,
        "norm2.bias": bias2,
    }
    return g + through, attention | mlp | norms


# --- the layers --------------------------------------------------------------------------------


def _layer_norm(x: Array, gain: Array, bias: Array) -> tuple[Array, tuple[Array, ...]]:
    c = x - x.mean(-1, keepdims=True)
    r = 1 / np.sqrt((c * c).mean(-1, keepdims=True) + NORM_EPSILON)
    return gain * c * r + bias, (c * r, r, gain)


def _layer_norm_backward(g: Array, saved: tuple[Array, ...]) -> tuple[Array, Array, Array]:
    unit, r, gain = saved
    u = g * gain
    mean = u.mean(-1, keepdims=True)
    along = (u * unit).mean(-1, keepdims=True)
    return r * (u - mean - unit * along), (g * unit).sum((0, 1)), g.sum((0, 1))


def _attention(p: Parameters, x: Array) -> tuple[Array, tuple[Array, ...]]:
    q, k, v = (
        np.einsum("btd,dhk->bhtk", x, p[f"attention.W{n}"]) + p[f"attention.b{n}"][:, None, :]
        for n in "qkv"
    )
    score = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    score = np.where(np.tri(x.shape[1], dtype=bool), score, -np.inf)
    weight = np.exp(score - score.max(-1, keepdims=True))
    weight /= weight.sum(-1, keepdims=True)
    mixed = weight @ v
    out = np.einsum("bhtk,hkd->btd", mixed, p["attention.Wo"]) + p["attention.bo"]
    return out, (x, q, k, v, weight, mixed)


def _attention_backward(
    p: Parameters, saved: tuple[Array, ...], g: Array
) -> tuple[Array, Parameters]:
    x, q, k, v, weight, mixed = saved
    found: Parameters = {
        "attention.Wo": np.einsum("bhtk,btd->hkd", mixed, g),
        "attention.bo": g.sum((0, 1)),
    }
    g_mixed = np.einsum("btd,hkd->bhtk", g, p["attention.Wo"])
    g_weight = g_mixed @ v.swapaxes(-1, -2)
    g_score = weight * (g_weight - (g_weight * weight).sum(-1, keepdims=True))
    g_score /= np.sqrt(q.shape[-1])
    projected = {
        "q": g_score @ k,
        "k": g_score.swapaxes(-1, -2) @ q,
        "v": weight.swapaxes(-1, -2) @ g_mixed,
    }
    g_x = np.zeros_like(x)
    for n, g_n in projected.items():
        found[f"attention.W{n}"] = np.einsum("btd,bhtk->dhk", x, g_n)
        found[f"attention.b{n}"] = g_n.sum((0, 2))
        g_x += np.einsum("bhtk,dhk->btd", g_n, p[f"attention.W{n}"])
    return g_x, found


def _mlp(p: Parameters, x: Array) -> tuple[Array, tuple[Array, ...]]:
    u = x @ p["mlp.W1"] + p["mlp.b1"]
    tanh = np.tanh(GELU_SCALE * (u + GELU_CUBE * u**3))
    bent = 0.5 * u * (1 + tanh)
    return bent @ p["mlp.W2"] + p["mlp.b2"], (x, u, tanh, bent)


def _mlp_backward(p: Parameters, saved: tuple[Array, ...], g: Array) -> tuple[Array, Parameters]:
    x, u, tanh, bent = saved
    inner = GELU_SCALE * (1 + 3 * GELU_CUBE * u**2)
    slope = 0.5 * (1 + tanh) + 0.5 * u * (1 - tanh**2) * inner
    g_u = (g @ p["mlp.W2"].T) * slope
    found = {
        "mlp.W1": np.einsum("btd,btf->df", x, g_u),
        "mlp.b1": g_u.sum((0, 1)),
        "mlp.W2": np.einsum("btf,btd->fd", bent, g),
        "mlp.b2": g.sum((0, 1)),
    }
    return g_u @ p["mlp.W1"].T, found


def _cross_entropy(found: Array, targets: Tokens) -> tuple[float, Array]:
    shifted = found - found.max(-1, keepdims=True)
    total = np.exp(shifted).sum(-1, keepdims=True)
    picked = np.take_along_axis(shifted, targets[..., None], -1)
    probability = np.exp(shifted) / total
    cotangent = probability.copy()
    chosen = np.take_along_axis(probability, targets[..., None], -1)
    np.put_along_axis(cotangent, targets[..., None], chosen - 1, -1)
    return float((np.log(total) - picked).mean()), cotangent / targets.size


# --- the optimiser -----------------------------------------------------------------------------


@dataclass(frozen=True)
class AdamW:
    """AdamW with clipping by global norm, a warm-up, a cosine and decay of matrices only."""

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.01
    clip: float = 1.0
    warm_up: int = 10
    steps: int = 50
    final_fraction: float = 0.1

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warm_up:
            return self.learning_rate * (step + 1) / self.warm_up
        progress = min(1.0, (step - self.warm_up) / max(1, self.steps - self.warm_up))
        low = self.final_fraction
        return self.learning_rate * (low + (1 - low) * 0.5 * (1 + np.cos(np.pi * progress)))


def train(
    parameters: Parameters,
    batches: list[tuple[Tokens, Tokens]],
    optimiser: AdamW,
    decayed: frozenset[str],
) -> list[float]:
    """The loss before each step; the parameters are updated in place."""
    first = {path: np.zeros_like(value) for path, value in parameters.items()}
    second = {path: np.zeros_like(value) for path, value in parameters.items()}
    losses = []
    for step, (tokens, targets) in enumerate(batches):
        value, found = gradients(parameters, tokens, targets)
        losses.append(value)
        norm = np.sqrt(sum(float((g * g).sum()) for g in found.values()))
        factor = min(1.0, optimiser.clip / norm)
        for path, g in found.items():
            _update(parameters[path], factor * g, first[path], second[path], step, optimiser,
                    path in decayed)  # fmt: skip
    return losses


def _update(p: Array, g: Array, m: Array, v: Array, step: int, o: AdamW, decay: bool) -> None:
    rate = o.rate(step)
    m += (1 - o.beta1) * (g - m)
    v += (1 - o.beta2) * (g * g - v)
    corrected_m = m / (1 - o.beta1 ** (step + 1))
    corrected_v = v / (1 - o.beta2 ** (step + 1))
    if decay:
        p *= 1 - rate * o.weight_decay
    p -= rate * corrected_m / (np.sqrt(corrected_v) + o.epsilon)
