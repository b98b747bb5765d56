"""A GPT's training step by hand, the yardstick: float32, preallocated, `out=` everywhere.

The mathematics is that of `tests/reference_gpt.py`, with AdamW on every parameter and no clipping.
Parameters, gradients and moments each lie in one flat array, and the update runs over it in blocks
that fit the cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.reference_gpt import GELU_CUBE, GELU_SCALE, NORM_EPSILON, Shape, block

Array = NDArray[np.float32]
F = np.float32
_BLOCK = 1 << 15


@dataclass(frozen=True)
class Adam:
    """The optimiser's numbers."""

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.95
    epsilon: float = 1e-8
    weight_decay: float = 0.01


class HandWritten:
    """A training step.

    Args:
        shape: the model's sizes.
        batch: windows of a step.
        parameters: their values by the reference's paths.
        adam: the optimiser's numbers.
    """

    def __init__(
        self, shape: Shape, batch: int, parameters: Mapping[str, NDArray[Any]], adam: Adam
    ) -> None:
        self.shape, self.batch, self.adam = shape, batch, adam
        size = sum(value.size for value in parameters.values())
        self.flat, self.grad, self.first, self.second = np.zeros((4, size), F)
        self.p: dict[str, Array] = {}
        self.g: dict[str, Array] = {}
        start = 0
        for path, value in parameters.items():
            end = start + value.size
            self.p[path] = self.flat[start:end].reshape(value.shape)
            self.g[path] = self.grad[start:end].reshape(value.shape)
            self.p[path][...] = value
            start = end
        self.steps = 0
        self._allocate()

    def _allocate(self) -> None:
        s, rows = self.shape, self.batch * self.shape.context
        square = (self.batch, s.heads, s.context, s.context)
        self.rows = rows
        self.x, self.dx, self.wide, self.wide2 = np.empty((4, rows, s.width), F)
        self.logits = np.empty((rows, s.vocabulary), F)
        self.up, self.up2 = np.empty((2, rows, s.feed_forward), F)
        self.score = np.empty(square, F)
        self.mask = np.triu(np.full((s.context, s.context), -1e30, F), 1)
        self.ones = np.ones(rows, F)
        self.scratch = np.empty((2, _BLOCK), F)
        self.saved = [self._block_buffers(rows, square) for _ in range(s.layers)]
        self.norm = self._norm_buffers(rows)

    def _block_buffers(self, rows: int, square: tuple[int, ...]) -> dict[str, Any]:
        s = self.shape
        heads = (self.batch, s.heads, s.context, s.width // s.heads)
        buffers: dict[str, Any] = {n: np.empty(heads, F) for n in ("q", "k", "v", "dq", "dk", "dv")}
        buffers |= {n: np.empty((rows, s.feed_forward), F) for n in ("u", "tanh", "bent")}
        buffers |= {"weight": np.empty(square, F), "mixed": np.empty((rows, s.width), F)}
        return buffers | {n: self._norm_buffers(rows) for n in ("norm1", "norm2")}

    def _norm_buffers(self, rows: int) -> tuple[Array, Array, Array]:
        width = self.shape.width
        return np.empty((rows, width), F), np.empty(rows, F), np.empty((rows, width), F)

    # Shapes of the reference's parameters as matrices.

    def _matrix(self, of: Mapping[str, Array], path: str) -> Array:
        """An attention weight with its heads as one axis."""
        width = self.shape.width
        return of[path].reshape((-1, width) if path.endswith("Wo") else (width, -1))

    def _split(self, rows: Array) -> Array:
        """Rows (b t, h k) as (b, h, t, k)."""
        s = self.shape
        return rows.reshape(self.batch, s.context, s.heads, -1).transpose(0, 2, 1, 3)

    # The step.

    def __call__(self, tokens: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
        """One step; the loss before the update."""
        tokens, targets = tokens.reshape(-1), targets.reshape(-1)
        loss = self._forward(tokens, targets)
        self._backward(tokens, targets)
        self._update()
        return loss

    def _forward(self, tokens: NDArray[np.int64], targets: NDArray[np.int64]) -> float:
        np.take(self.p["E"], tokens, axis=0, out=self.x)
        self.x.reshape(self.batch, -1, self.shape.width)[...] += self.p["P"]
        for i, saved in enumerate(self.saved):
            self._attention(block(i), saved)
            self._mlp(block(i), saved)
        hidden = self._norm("norm", self.norm)
        np.matmul(hidden, self.p["head"], out=self.logits)
        self.logits -= self.logits.max(-1, keepdims=True)
        picked = self.logits[np.arange(self.rows), targets]
        np.exp(self.logits, out=self.logits)
        self.total = self.logits.sum(-1)
        return float(np.mean(np.log(self.total) - picked))

    def _norm(self, path: str, saved: tuple[Array, Array, Array]) -> Array:
        unit, r, out = saved
        width = F(self.shape.width)
        np.subtract(self.x, (self.x.sum(-1) / width)[:, None], out=unit)
        np.einsum("ij,ij->i", unit, unit, out=r)
        np.divide(1, np.sqrt(r / width + F(NORM_EPSILON)), out=r)
        unit *= r[:, None]
        np.multiply(unit, self.p[f"{path}.gain"], out=out)
        out += self.p[f"{path}.bias"]
        return out

    def _attention(self, at: str, saved: dict[str, Any]) -> None:
        s = self.shape
        a = self._norm(f"{at}norm1", saved["norm1"])
        for n in "qkv":
            np.matmul(a, self._matrix(self.p, f"{at}attention.W{n}"), out=self.wide)
            self.wide += self.p[f"{at}attention.b{n}"].reshape(-1)
            saved[n][...] = self._split(self.wide)
        weight = saved["weight"]
        np.matmul(saved["q"], saved["k"].swapaxes(-1, -2), out=weight)
        weight *= F(1 / np.sqrt(s.width // s.heads))
        weight += self.mask
        weight -= weight.max(-1, keepdims=True)
        np.exp(weight, out=weight)
        weight /= weight.sum(-1, keepdims=True)
        np.matmul(weight, saved["v"], out=self._split(saved["mixed"]))
        np.matmul(saved["mixed"], self._matrix(self.p, f"{at}attention.Wo"), out=self.wide)
        self.x += self.wide
        self.x += self.p[f"{at}attention.bo"]

    def _mlp(self, at: str, saved: dict[str, Any]) -> None:
        u, tanh, bent = saved["u"], saved["tanh"], saved["bent"]
        c = self._norm(f"{at}norm2", saved["norm2"])
        np.matmul(c, self.p[f"{at}mlp.W1"], out=u)
        u += self.p[f"{at}mlp.b1"]
        np.multiply(u, u, out=tanh)
        tanh *= F(GELU_CUBE * GELU_SCALE)
        tanh += F(GELU_SCALE)
        tanh *= u
        np.tanh(tanh, out=tanh)
        np.add(tanh, 1, out=bent)
        bent *= u
        bent *= F(0.5)
        np.matmul(bent, self.p[f"{at}mlp.W2"], out=self.wide)
        self.x += self.wide
        self.x += self.p[f"{at}mlp.b2"]

    def _backward(self, tokens: NDArray[np.int64], targets: NDArray[np.int64]) -> None:
        g = self.logits
        g *= (F(1 / self.rows) / self.total)[:, None]
        g[np.arange(self.rows), targets] -= F(1 / self.rows)
        np.matmul(self.norm[2].T, g, out=self.g["head"])
        np.matmul(g, self.p["head"].T, out=self.wide)
        self._norm_backward("norm", self.norm, self.dx)
        for i in reversed(range(self.shape.layers)):
            self._mlp_backward(block(i), self.saved[i])
            self._attention_backward(block(i), self.saved[i])
        np.sum(self.dx.reshape(self.batch, -1, self.shape.width), 0, out=self.g["P"])
        hot = np.zeros((self.shape.vocabulary, self.rows), F)
        hot[tokens, np.arange(self.rows)] = 1
        np.matmul(hot, self.dx, out=self.g["E"])

    def _norm_backward(self, path: str, saved: tuple[Array, Array, Array], out: Array) -> None:
        """From the cotangent in `wide` (which is overwritten)."""
        unit, r, _ = saved
        d, width = self.wide, F(self.shape.width)
        np.einsum("ij,ij->j", d, unit, out=self.g[f"{path}.gain"])
        np.matmul(self.ones, d, out=self.g[f"{path}.bias"])
        d *= self.p[f"{path}.gain"]
        along = np.einsum("ij,ij->i", d, unit) / width
        mean = d.sum(-1) / width
        np.multiply(unit, along[:, None], out=out)
        np.subtract(d, out, out=out)
        out -= mean[:, None]
        out *= r[:, None]

    def _mlp_backward(self, at: str, saved: dict[str, Any]) -> None:
        u, tanh, slope, d = saved["u"], saved["tanh"], self.up, self.up2
        np.matmul(saved["bent"].T, self.dx, out=self.g[f"{at}mlp.W2"])
        np.matmul(self.ones, self.dx, out=self.g[f"{at}mlp.b2"])
        np.matmul(self.dx, self.p[f"{at}mlp.W2"].T, out=d)
        np.multiply(u, u, out=slope)
        slope *= F(3 * GELU_CUBE * GELU_SCALE)
        slope += F(GELU_SCALE)
        slope *= u
        np.multiply(tanh, tanh, out=u)
        np.subtract(1, u, out=u)
        slope *= u
        slope += tanh
        slope += 1
        slope *= F(0.5)
        d *= slope
        np.matmul(saved["norm2"][2].T, d, out=self.g[f"{at}mlp.W1"])
        np.matmul(self.ones, d, out=self.g[f"{at}mlp.b1"])
        np.matmul(d, self.p[f"{at}mlp.W1"].T, out=self.wide)
        self._norm_backward(f"{at}norm2", saved["norm2"], self.wide2)
        self.dx += self.wide2

    def _attention_backward(self, at: str, saved: dict[str, Any]) -> None:
        s, weight, score = self.shape, saved["weight"], self.score
        np.matmul(saved["mixed"].T, self.dx, out=self._matrix(self.g, f"{at}attention.Wo"))
        np.matmul(self.ones, self.dx, out=self.g[f"{at}attention.bo"])
        np.matmul(self.dx, self._matrix(self.p, f"{at}attention.Wo").T, out=self.wide)
        mixed = self._split(self.wide)
        np.matmul(weight.swapaxes(-1, -2), mixed, out=saved["dv"])
        np.matmul(mixed, saved["v"].swapaxes(-1, -2), out=score)
        score -= np.einsum("bhts,bhts->bht", score, weight)[..., None]
        score *= weight
        score *= F(1 / np.sqrt(s.width // s.heads))
        np.matmul(score, saved["k"], out=saved["dq"])
        np.matmul(score.swapaxes(-1, -2), saved["q"], out=saved["dk"])
        total = self.wide
        for number, n in enumerate("qkv"):
            self._split(self.wide2)[...] = saved[f"d{n}"]
            d = self.wide2
            path = f"{at}attention.W{n}"
            np.matmul(saved["norm1"][2].T, d, out=self._matrix(self.g, path))
            np.matmul(self.ones, d, out=self.g[f"{at}attention.b{n}"].reshape(-1))
            if number == 0:
                np.matmul(d, self._matrix(self.p, path).T, out=total)
            else:
                total += d @ self._matrix(self.p, path).T
        self._norm_backward(f"{at}norm1", saved["norm1"], self.wide2)
        self.dx += self.wide2

    def _update(self) -> None:
        a = self.adam
        self.steps += 1
        rate = F(a.learning_rate / (1 - a.beta1**self.steps))
        root = F(1 / np.sqrt(1 - a.beta2**self.steps))
        for start in range(0, len(self.flat), _BLOCK):
            here = slice(start, start + _BLOCK)
            p, g, m, v = self.flat[here], self.grad[here], self.first[here], self.second[here]
            w, z = self.scratch[0, : len(p)], self.scratch[1, : len(p)]
            m *= F(a.beta1)
            m += np.multiply(g, F(1 - a.beta1), out=w)
            v *= F(a.beta2)
            np.multiply(g, g, out=w)
            v += np.multiply(w, F(1 - a.beta2), out=w)
            np.sqrt(v, out=w)
            w *= root
            w += F(a.epsilon)
            np.divide(m, w, out=z)
            p *= F(1 - a.learning_rate * a.weight_decay)
            p -= np.multiply(z, rate, out=z)
