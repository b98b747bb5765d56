"""The library's `gpt` and its training step once more, in PyTorch.

Nothing of Flux computes here: the forward pass is of PyTorch's functions, the gradient of its
autograd, and the update of its AdamW. Parameters keep the paths and the shapes of Flux's.

Shapes: tokens and targets (B, T); E (V, D); P (T, D); Wq, Wk, Wv (D, H, K); Wo (H, K, D);
W1 (D, F); W2 (F, D); head (D, V).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import cos, pi
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from flux.training.recipe import Recipe

Arrays = Mapping[str, NDArray[Any]]


class Twin:
    """A GPT with its optimiser.

    Args:
        initial: every parameter's first value, by path; copied.
        weights: the paths that weight decay pulls on.
        recipe: AdamW's numbers, a cosine with warm-up, and the norm that gradients are clipped to.
    """

    def __init__(self, initial: Arrays, weights: Iterable[str], recipe: Recipe) -> None:
        assert (recipe.optimizer, recipe.schedule) == ("adamw", "cosine")
        self._p = {path: torch.tensor(v).requires_grad_() for path, v in initial.items()}
        self._recipe = recipe
        self._done = 0
        decayed = set(weights)
        groups = [
            {"params": [self._p[path] for path in decayed], "weight_decay": recipe.weight_decay},
            {"params": [p for path, p in self._p.items() if path not in decayed]},
        ]
        self._optimiser = torch.optim.AdamW(
            groups,
            lr=recipe.learning_rate,
            betas=(recipe.beta1, recipe.beta2),
            eps=recipe.epsilon,
            weight_decay=0.0,
        )

    def step(self, batch: Arrays) -> float:
        """One step; its loss, before the update."""
        tokens, targets = (
            torch.from_numpy(np.ascontiguousarray(batch[name])) for name in ("tokens", "targets")
        )
        loss = self._loss(tokens, targets)
        self._optimiser.zero_grad()
        loss.backward()
        self._clip()
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate()
        self._optimiser.step()
        self._done += 1
        return float(loss.detach())

    def parameters(self) -> dict[str, NDArray[Any]]:
        """Every parameter's value now, by path."""
        return {path: p.detach().numpy() for path, p in self._p.items()}

    def _rate(self) -> float:
        recipe, n = self._recipe, self._done
        if n < recipe.warm_up:
            return recipe.learning_rate * (n + 1) / recipe.warm_up
        way = min(1.0, (n - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up))
        return recipe.learning_rate * (
            recipe.final + (1 - recipe.final) * 0.5 * (1 + cos(pi * way))
        )

    def _clip(self) -> None:
        gradients = [p.grad for p in self._p.values()]
        norm = torch.sqrt(sum(g.square().sum() for g in gradients))
        if norm > self._recipe.clip > 0:
            for g in gradients:
                g.mul_(self._recipe.clip / norm)

    def _loss(self, tokens: Any, targets: Any) -> Any:
        p = self._p
        x = functional.embedding(tokens, p["E"]) + p["P"][: tokens.shape[1]]
        for number in range(sum(path.endswith("attention.Wq") for path in p)):
            at = f"block.{number}."
            x = x + self._attention(self._norm(x, f"{at}layer_norm"), f"{at}attention.")
            x = x + self._mlp(self._norm(x, f"{at}layer_norm_1"), f"{at}mlp.")
        logits = self._norm(x, "layer_norm") @ p["head"]
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    def _norm(self, x: Any, at: str) -> Any:
        return functional.layer_norm(
            x, x.shape[-1:], self._p[f"{at}.gain"], self._p[f"{at}.bias"], eps=1e-5
        )

    def _attention(self, x: Any, at: str) -> Any:
        query, key, value = (
            torch.einsum("btd,dhk->bhtk", x, self._p[f"{at}W{part}"])
            + self._p[f"{at}b{part}"][:, None]
            for part in "qkv"
        )
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return torch.einsum("bhtk,hkd->btd", seen, self._p[f"{at}Wo"]) + self._p[f"{at}bo"]

    def _mlp(self, x: Any, at: str) -> Any:
        p = self._p
        bent = functional.gelu(x @ p[f"{at}W1"] + p[f"{at}b1"], approximate="tanh")
        return bent @ p[f"{at}W2"] + p[f"{at}b2"]
