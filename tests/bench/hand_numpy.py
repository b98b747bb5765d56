"""A GPT's training step by hand, the yardstick: float32, preallocated, `out=` everywhere.

The mathematics is that of `tests/reference_gpt.py`, with AdamW on every parameter and no clipping;
a plain model has no biases, its output matrix is the embedding, and its GELU is the exact one.
All products go through BLAS, on views where BLAS accepts them; queries, keys and values share one
matrix. Parameters, gradients and moments each lie in one flat array, and the update runs over it in
blocks that fit the cache.

Shapes: rows are (B T); d width, f feed-forward, h heads, k head size, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import pi, prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from tests.reference_gpt import GELU_CUBE, GELU_SCALE, NORM_EPSILON, Shape, block, layout

Array = NDArray[np.float32]
Tokens = NDArray[np.int64]
F = np.float32
_BLOCK = 1 << 15
_JOINED = ("attention.W", "attention.b")


@dataclass(frozen=True)
class Adam:
    """The optimiser's numbers."""

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.01


class Flat:
    """Arrays of a model in one flat array, by path.

    Attributes:
        flat: all values.
        of: a view for each path; queries, keys and values are one, at `attention.W` and `.b`.
        matrices: the same values as matrices (inputs, outputs).
    """

    def __init__(self, shape: Shape, plain: bool = False) -> None:
        rows = [row for row in _packed(shape) if not (plain and absent_in_plain(row[0]))]
        self.flat = np.zeros(sum(prod(dims) for _, dims in rows), F)
        self.of: dict[str, Array] = {}
        self.matrices: dict[str, Array] = {}
        start = 0
        for path, dims in rows:
            self.of[path] = self.flat[start : start + prod(dims)].reshape(dims)
            self.matrices[path] = _matrix(self.of[path], path, shape.width)
            start += prod(dims)

    def view(self, path: str) -> Array:
        """The values at one of the reference's paths."""
        stem, letter = path[:-1], path[-1]
        if stem.endswith(_JOINED) and letter in "qkv":
            found: Array = self.of[stem][..., "qkv".index(letter), :, :]
            return found
        return self.of[path]


def absent_in_plain(path: str) -> bool:
    """Whether a plain model lacks what the reference has at this path."""
    leaf = path.rpartition(".")[2]
    return leaf in ("head", "bias") or leaf.startswith("b")


def _packed(shape: Shape) -> list[tuple[str, tuple[int, ...]]]:
    rows: list[tuple[str, tuple[int, ...]]] = []
    for path, _, dims in layout(shape):
        stem, letter = path[:-1], path[-1]
        if not stem.endswith(_JOINED) or letter == "o":
            rows.append((path, dims))
        elif letter == "q":
            rows.append((stem, (*dims[:-2], 3, *dims[-2:])))
    return rows


def _matrix(values: Array, path: str, width: int) -> Array:
    if path.endswith("Wo"):
        return values.reshape(-1, width)
    return values.reshape(width, -1) if path.endswith("attention.W") else values


class Norm:
    """Layer normalisation, and what its backward pass needs of the forward one."""

    def __init__(self, values: Flat, gradients: Flat, path: str, rows: int, width: int) -> None:
        self._gain, self._bias = values.of[f"{path}.gain"], values.of.get(f"{path}.bias")
        self._d_gain, self._d_bias = gradients.of[f"{path}.gain"], gradients.of.get(f"{path}.bias")
        self._unit, self.out = np.empty((2, rows, width), F)
        self._scale = np.empty(rows, F)
        self._average, self._ones = np.full(width, 1 / width, F), np.ones(rows, F)
        self._width = F(1 / width)

    def forward(self, x: Array) -> Array:
        unit, scale = self._unit, self._scale
        np.subtract(x, np.matmul(x, self._average)[:, None], out=unit)
        np.einsum("ij,ij->i", unit, unit, out=scale)
        scale *= self._width
        scale += F(NORM_EPSILON)
        np.sqrt(scale, out=scale)
        np.reciprocal(scale, out=scale)
        unit *= scale[:, None]
        np.multiply(unit, self._gain, out=self.out)
        if self._bias is not None:
            self.out += self._bias
        return self.out

    def backward(self, d: Array, out: Array) -> None:
        """Add to `out` the cotangent of the input; `d`, the result's, is overwritten."""
        np.einsum("ij,ij->j", d, self._unit, out=self._d_gain)
        if self._d_bias is not None:
            np.matmul(self._ones, d, out=self._d_bias)
        d *= self._gain
        mean = np.matmul(d, self._average)
        along = np.einsum("ij,ij->i", d, self._unit)
        along *= self._width
        self._unit *= along[:, None]
        d -= self._unit
        d -= mean[:, None]
        d *= self._scale[:, None]
        out += d


class Linear:
    """y = x W + b, or without b."""

    def __init__(self, values: Flat, gradients: Flat, weight: str, bias: str, rows: int) -> None:
        self._w, self._dw = values.matrices[weight], gradients.matrices[weight]
        self._b, self._db = _flat(values.of.get(bias)), _flat(gradients.of.get(bias))
        self._ones = np.ones(rows, F)

    def forward(self, x: Array, out: Array) -> None:
        np.matmul(x, self._w, out=out)
        if self._b is not None:
            out += self._b

    def backward(self, x: Array, d: Array, out: Array) -> None:
        """The gradients, and the cotangent of x in `out`."""
        np.matmul(x.T, d, out=self._dw)
        if self._db is not None:
            np.matmul(self._ones, d, out=self._db)
        np.matmul(d, self._w.T, out=out)


def _flat(array: Array | None) -> Array | None:
    return None if array is None else array.reshape(-1)


class Attention:
    """Causal attention with several heads."""

    def __init__(
        self, shape: Shape, batch: int, values: Flat, gradients: Flat, at: str, scratch: Array
    ) -> None:
        t, rows = shape.context, batch * shape.context
        self._join = Linear(values, gradients, f"{at}attention.W", f"{at}attention.b", rows)
        self._mix = Linear(values, gradients, f"{at}attention.Wo", f"{at}attention.bo", rows)
        joined, d_joined = np.empty((2, rows, 3 * shape.width), F)
        self._joined, self._d_joined = joined, d_joined
        heads = (batch, t, 3, shape.heads, shape.width // shape.heads)
        self._q, self._k, self._v = joined.reshape(heads).transpose(2, 0, 3, 1, 4)
        self._dq, self._dk, self._dv = d_joined.reshape(heads).transpose(2, 0, 3, 1, 4)
        self._weight, self._score = np.empty((batch, shape.heads, t, t), F), scratch
        self._mixed, self._d_mixed = np.empty((2, rows, shape.width), F)
        apart = (batch, t, shape.heads, shape.width // shape.heads)
        self._mixed_heads = self._mixed.reshape(apart).transpose(0, 2, 1, 3)
        self._d_mixed_heads = self._d_mixed.reshape(apart).transpose(0, 2, 1, 3)
        self._mask = np.triu(np.full((t, t), -1e30, F), 1)
        self._scale = F(1 / sqrt(shape.width // shape.heads))

    def forward(self, x: Array, out: Array) -> None:
        self._join.forward(x, self._joined)
        weight = self._weight
        np.matmul(self._q, self._k.swapaxes(-1, -2), out=weight)
        weight *= self._scale
        weight += self._mask
        weight -= weight.max(-1, keepdims=True)
        np.exp(weight, out=weight)
        weight /= weight.sum(-1, keepdims=True)
        np.matmul(weight, self._v, out=self._mixed_heads)
        self._mix.forward(self._mixed, out)

    def backward(self, x: Array, d: Array, out: Array) -> None:
        weight, score = self._weight, self._score
        self._mix.backward(self._mixed, d, self._d_mixed)
        np.matmul(weight.swapaxes(-1, -2), self._d_mixed_heads, out=self._dv)
        np.matmul(self._d_mixed_heads, self._v.swapaxes(-1, -2), out=score)
        score -= np.einsum("bhts,bhts->bht", score, weight)[..., None]
        score *= weight
        score *= self._scale
        np.matmul(score, self._k, out=self._dq)
        np.matmul(score.swapaxes(-1, -2), self._q, out=self._dk)
        self._join.backward(x, self._d_joined, out)


class Mlp:
    """Two linear maps with GELU between them, in its tanh form or exact."""

    def __init__(
        self,
        shape: Shape,
        rows: int,
        values: Flat,
        gradients: Flat,
        at: str,
        scratch: Array,
        exact: bool,
    ) -> None:
        self._exact = exact
        self._up = Linear(values, gradients, f"{at}mlp.W1", f"{at}mlp.b1", rows)
        self._down = Linear(values, gradients, f"{at}mlp.W2", f"{at}mlp.b2", rows)
        self._u, self._tanh, self._bent = np.empty((3, rows, shape.feed_forward), F)
        self._slope, self._d = scratch

    def forward(self, x: Array, out: Array) -> None:
        u, tanh, bent = self._u, self._tanh, self._bent
        self._up.forward(x, u)
        if self._exact:
            np.multiply(u, F(sqrt(0.5)), out=tanh)
            erf(tanh, out=tanh)  # in the place of the tanh
        else:
            np.multiply(u, u, out=tanh)
            tanh *= F(GELU_CUBE * GELU_SCALE)
            tanh += F(GELU_SCALE)
            tanh *= u
            np.tanh(tanh, out=tanh)
        np.add(tanh, F(1), out=bent)
        bent *= u
        bent *= F(0.5)
        self._down.forward(bent, out)

    def backward(self, x: Array, d: Array, out: Array) -> None:
        self._down.backward(self._bent, d, self._d)
        if self._exact:
            self._bend_exactly()
        else:
            self._bend()
        self._up.backward(x, self._d, out)

    def _bend_exactly(self) -> None:
        """Multiply by gelu' = (1 + erf(u/sqrt(2)))/2 + u exp(-u^2/2)/sqrt(2 pi)."""
        u, slope = self._u, self._slope
        np.multiply(u, u, out=slope)
        slope *= F(-0.5)
        np.exp(slope, out=slope)
        slope *= u
        slope *= F(sqrt(2 / pi))
        slope += self._tanh
        slope += F(1)
        slope *= F(0.5)
        self._d *= slope

    def _bend(self) -> None:
        """Multiply by gelu' = (1 + tanh)/2 + u/2 (1 - tanh^2) scale (1 + 3 cube u^2)."""
        u, tanh, slope, rest = self._u, self._tanh, self._slope, self._bent
        np.multiply(u, u, out=slope)
        slope *= F(3 * GELU_CUBE * GELU_SCALE)
        slope += F(GELU_SCALE)
        slope *= u
        np.multiply(tanh, tanh, out=rest)
        np.subtract(F(1), rest, out=rest)
        slope *= rest
        slope += tanh
        slope += F(1)
        slope *= F(0.5)
        self._d *= slope


class Block:
    """Attention and MLP, each normalised before and added to what goes through."""

    def __init__(
        self,
        shape: Shape,
        batch: int,
        values: Flat,
        gradients: Flat,
        at: str,
        scratch: Scratch,
        plain: bool,
    ) -> None:
        rows = batch * shape.context
        self._norms = [
            Norm(values, gradients, f"{at}{n}", rows, shape.width) for n in ("norm1", "norm2")
        ]
        self._parts: list[Attention | Mlp] = [
            Attention(shape, batch, values, gradients, at, scratch.score),
            Mlp(shape, rows, values, gradients, at, scratch.up, plain),
        ]
        self._added = scratch.added

    def forward(self, x: Array) -> None:
        """Add both parts to x, where it lies."""
        for norm, part in zip(self._norms, self._parts, strict=True):
            part.forward(norm.forward(x), self._added)
            x += self._added

    def backward(self, d: Array) -> None:
        """From the cotangent of the result to that of the input, where it lies."""
        for norm, part in zip(reversed(self._norms), reversed(self._parts), strict=True):
            part.backward(norm.out, d, self._added)
            norm.backward(self._added, d)


class Scratch:
    """What all blocks share, since nothing in it outlives one of their passes."""

    def __init__(self, shape: Shape, batch: int) -> None:
        rows = batch * shape.context
        self.added = np.empty((rows, shape.width), F)
        self.up = np.empty((2, rows, shape.feed_forward), F)
        self.score = np.empty((batch, shape.heads, shape.context, shape.context), F)


class HandWritten:
    """A training step.

    Args:
        shape: the model's sizes.
        batch: windows of a step.
        parameters: their values by the reference's paths.
        adam: the optimiser's numbers.
        plain: whether there are no biases, the output matrix is the embedding, and GELU is exact.

    Attributes:
        values, gradients: the model's, and the last step's.
    """

    def __init__(
        self,
        shape: Shape,
        batch: int,
        parameters: Mapping[str, NDArray[Any]],
        adam: Adam,
        plain: bool = False,
    ) -> None:
        self.values, self.gradients = Flat(shape, plain), Flat(shape, plain)
        for path, value in parameters.items():
            self.values.view(path)[...] = value
        self._head = self.values.of["E"].T if plain else self.values.of["head"]
        self._d_head = self.gradients.of["E"].T if plain else self.gradients.of["head"]
        self._plain = plain
        rows, scratch = batch * shape.context, Scratch(shape, batch)
        both = (self.values, self.gradients)
        self._blocks = [
            Block(shape, batch, *both, block(i), scratch, plain) for i in range(shape.layers)
        ]
        self._norm = Norm(*both, "norm", rows, shape.width)
        self._x, self._d = np.empty((2, rows, shape.width), F)
        self._added = scratch.added
        self._logits = np.empty((rows, shape.vocabulary), F)
        self._rows, self._windows = np.arange(rows), (batch, shape.context, shape.width)
        self._update = Update(self.values.flat, self.gradients.flat, adam)

    def __call__(self, tokens: Tokens, targets: Tokens) -> float:
        """One step; the loss before the update."""
        tokens, targets = tokens.reshape(-1), targets.reshape(-1)
        self._forward(tokens)
        loss = self._cross_entropy(targets)
        self._backward(tokens)
        self._update()
        return loss

    def _forward(self, tokens: Tokens) -> None:
        p = self.values.of
        np.take(p["E"], tokens, axis=0, out=self._x)
        self._x.reshape(self._windows)[...] += p["P"]
        for part in self._blocks:
            part.forward(self._x)
        np.matmul(self._norm.forward(self._x), self._head, out=self._logits)

    def _cross_entropy(self, targets: Tokens) -> float:
        """The mean loss; the logits become their own cotangent."""
        logits, count = self._logits, F(1 / len(targets))
        logits -= logits.max(-1, keepdims=True)
        picked = logits[self._rows, targets]
        np.exp(logits, out=logits)
        total = logits.sum(-1)
        logits *= (count / total)[:, None]
        logits[self._rows, targets] -= count
        return float(np.mean(np.log(total) - picked))

    def _backward(self, tokens: Tokens) -> None:
        g, d = self.gradients.of, self._d
        np.matmul(self._norm.out.T, self._logits, out=self._d_head)
        np.matmul(self._logits, self._head.T, out=self._added)
        d[...] = 0
        self._norm.backward(self._added, d)
        for part in reversed(self._blocks):
            part.backward(d)
        np.sum(d.reshape(self._windows), 0, out=g["P"])
        hot = np.zeros((len(g["E"]), len(tokens)), F)
        hot[tokens, self._rows] = 1
        if self._plain:
            g["E"] += hot @ d
        else:
            np.matmul(hot, d, out=g["E"])


class Update:
    """AdamW over flat arrays, in blocks that fit the cache."""

    def __init__(self, values: Array, gradients: Array, adam: Adam) -> None:
        first, second = np.zeros((2, len(values)), F)
        cuts = [slice(n, n + _BLOCK) for n in range(0, len(values), _BLOCK)]
        self._blocks = [(values[c], gradients[c], first[c], second[c]) for c in cuts]
        self._scratch = np.empty((2, _BLOCK), F)
        self._adam, self._steps = adam, 0

    def __call__(self) -> None:
        a = self._adam
        self._steps += 1
        rate = F(a.learning_rate / (1 - a.beta1**self._steps))
        root = F(1 / sqrt(1 - a.beta2**self._steps))
        for p, g, m, v in self._blocks:
            w, z = self._scratch[:, : len(p)]
            m *= F(a.beta1)
            m += np.multiply(g, F(1 - a.beta1), out=w)
            v *= F(a.beta2)
            np.multiply(g, g, out=w)
            v += np.multiply(w, F(1 - a.beta2), out=w)
            np.sqrt(v, out=w)
            w *= root
            w += F(a.epsilon)
            np.divide(m, w, out=z)
            z *= rate
            p *= F(1 - a.learning_rate * a.weight_decay)
            p -= z
