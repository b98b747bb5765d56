"""The variants of the transformer in plain NumPy, float64, written from the papers and not from the
library: the logits for parameters that go by the library's paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Options = Mapping[str, float]
# A draw: the name of the place, and the shape of what is dropped there.
Drop = Callable[[str, Array], Array]


def logits(p: Mapping[str, Array], tokens: Array, o: Options, drop: Drop) -> Array:
    """Logits [b, t, v]; `drop` gives what dropout leaves of a value."""
    x = p["E"][tokens]
    width, time = x.shape[-1], tokens.shape[1]
    if o.get("sinusoidal"):
        x = np.sqrt(width) * x + sinusoids(time, width)
    elif not o.get("rotating"):
        x = x + p["P"][:time]
    x = drop("dropout_layer.random.0", x)
    for i in range(int(o["layers"])):
        x = block(p, f"transformer_block.{i}.", x, o, drop)
    if not o.get("post"):
        x = norm(p, "normalised.", x, o)
    return x @ (p["E"].T if o.get("tied") else p["head"])


def block(p: Mapping[str, Array], at: str, x: Array, o: Options, drop: Drop) -> Array:
    if o.get("post"):
        x = x + drop(at + "dropout_layer.random.0", attention(p, at, x, o, drop))
        x = norm(p, at + "normalised.", x, o)
        x = x + drop(at + "dropout_layer_1.random.0", feed_forward(p, at, x, o))
        return norm(p, at + "normalised_1.", x, o)
    y = attention(p, at, norm(p, at + "normalised.", x, o), o, drop)
    x = x + drop(at + "dropout_layer.random.0", y)
    y = feed_forward(p, at, norm(p, at + "normalised_1.", x, o), o)
    return x + drop(at + "dropout_layer_1.random.0", y)


def norm(p: Mapping[str, Array], at: str, x: Array, o: Options) -> Array:
    if o.get("rms"):
        scale = np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
        return x / scale * p[at + "rms_norm.gain"]
    y = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    y = y * p[at + "layer_norm.gain"]
    return y + p[at + "layer_norm.bias"] if o.get("biased", 1) else y


def attention(p: Mapping[str, Array], at: str, x: Array, o: Options, drop: Drop) -> Array:
    """Head by head: head h of group g looks at the keys and values of group g."""
    at += "grouped_attention."
    biased = o.get("biased", 1)
    _, groups, heads, size = p[at + "Wq"].shape
    time = x.shape[1]
    weights = np.empty((len(x), time, time, groups, heads))
    for g in range(groups):
        key = x @ p[at + "Wk"][:, g] + (p[at + "bk"][g] if biased else 0)
        key = turned(key) if o.get("rotating") else key
        for h in range(heads):
            query = x @ p[at + "Wq"][:, g, h] + (p[at + "bq"][g, h] if biased else 0)
            query = turned(query) if o.get("rotating") else query
            score = query @ key.swapaxes(1, 2) / np.sqrt(size)
            score[:, np.triu(np.ones((time, time), bool), 1)] = -np.inf
            weight = np.exp(score - score.max(-1, keepdims=True))
            weights[..., g, h] = weight / weight.sum(-1, keepdims=True)
    weights = drop(at + "random.0", weights)
    out = np.zeros_like(x)
    for g in range(groups):
        value = x @ p[at + "Wv"][:, g] + (p[at + "bv"][g] if biased else 0)
        for h in range(heads):
            out += weights[..., g, h] @ value @ p[at + "Wo"][g, h]
    return out + p[at + "bo"] if biased else out


def turned(x: Array) -> Array:
    """Rotary positions by complex numbers: (x_2j + i x_2j+1) e^(i t 10000^(-2j/K))."""
    size = x.shape[-1]
    z = x[..., 0::2] + 1j * x[..., 1::2]
    rates = 10000.0 ** (-np.arange(0, size, 2) / size)
    z = z * np.exp(1j * np.arange(x.shape[1])[:, None] * rates)
    return np.stack([z.real, z.imag], -1).reshape(x.shape)


def sinusoids(time: int, width: int) -> Array:
    found = np.zeros((time, width))
    for t in range(time):
        for d in range(width):
            angle = t / 10000 ** ((d - d % 2) / width)
            found[t, d] = np.cos(angle) if d % 2 else np.sin(angle)
    return found


def feed_forward(p: Mapping[str, Array], at: str, x: Array, o: Options) -> Array:
    at += "feed_forward."
    biased = o.get("biased", 1)
    u = x @ p[at + "W1"] + (p[at + "b1"] if biased else 0)
    if o.get("rectified"):
        u = np.maximum(u, 0)
    elif o.get("gated"):
        u = u / (1 + np.exp(-u)) * (x @ p[at + "V1"])
    else:
        u = 0.5 * u * (1 + np.tanh(np.sqrt(2 / np.pi) * (u + 0.044715 * u**3)))
    y = u @ p[at + "W2"]
    return y + p[at + "b2"] if biased else y


def cross_entropy(found: Array, targets: Array) -> float:
    found = found - found.max(-1, keepdims=True)
    rows = np.log(np.exp(found).sum(-1)) - np.take_along_axis(found, targets[..., None], -1)[..., 0]
    return float(rows.mean())
