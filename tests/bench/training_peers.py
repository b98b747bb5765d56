"""Training steps of one GPT, a row each: Flux, NumPy by hand, PyTorch and JAX.

Every row starts from the same float32 parameters, sees the same batches, clips nothing and decays
every parameter. Each builds a function that does one whole step and returns the loss before it.
PyTorch and JAX are written as their users write them: one matrix for queries, keys and values,
their own attention, AdamW and compiler.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

import numpy as np

from tests import reference_gpt as reference
from tests.bench.hand_numpy import Adam, Flat, HandWritten
from tests.reference_gpt import Shape, block

# d, heads, layers, f and T of the presets of `flux train`; then the batch.
PRESETS: Mapping[str, tuple[Shape, int]] = {
    "tiny": (Shape(65, 32, 64, 2, 1, 128), 1),
    "small": (Shape(65, 64, 128, 4, 2, 512), 1),
    "small-b16": (Shape(65, 64, 128, 4, 2, 512), 16),
}
ADAM = Adam()
Loss = Callable[[], Any]


def _values(shape: Shape) -> reference.Parameters:
    return reference.initial(shape, seed=0)


def _batches(shape: Shape, batch: int) -> list[tuple[reference.Tokens, reference.Tokens]]:
    drawn = np.random.default_rng(1).integers(0, shape.vocabulary, (16, 2, batch, shape.context))
    return [(tokens, targets) for tokens, targets in drawn]


def flux(preset: str) -> Loss:
    """The library's `gpt`, its gradient and AdamW, as one Program.

    Its threads share out products and blocks of rows alike, so the BLAS under it keeps to one.
    """
    from flux.cli.machine import limit_blas, usable_cores
    from flux.training.recipe import Recipe
    from flux.training.step import Step
    from tests.gpt_models import assign, gpt

    shape, batch = PRESETS[preset]
    model = gpt(shape, dtype="float32")
    assign(model, _values(shape))
    recipe = Recipe(
        learning_rate=ADAM.learning_rate,
        clip=0,
        weight_decay=ADAM.weight_decay,
        decay_all=True,
        beta1=ADAM.beta1,
        beta2=ADAM.beta2,
        epsilon=ADAM.epsilon,
    )
    limit_blas()
    sizes = {**model.sizes, "b": batch, "t": shape.context}
    step = Step(model, recipe, sizes, threads=usable_cores())
    feeds = cycle([{"tokens": x, "targets": y} for x, y in _batches(shape, batch)])
    counted = iter(range(1 << 62))
    return lambda: step(next(counted), next(feeds))


def numpy_by_hand(preset: str) -> Loss:
    """The yardstick."""
    shape, batch = PRESETS[preset]
    step = HandWritten(shape, batch, _values(shape), ADAM)
    feeds = cycle(_batches(shape, batch))
    return lambda: step(*next(feeds))


def _joined(shape: Shape) -> dict[str, np.ndarray[Any, Any]]:
    """The values as matrices, queries, keys and values in one."""
    flat = Flat(shape)
    for path, value in _values(shape).items():
        flat.view(path)[...] = value
    return {
        path: value.reshape(-1) if path.endswith("attention.b") else value
        for path, value in flat.matrices.items()
    }


def _torch_loss(torch: Any, p: Mapping[str, Any], shape: Shape) -> Callable[[Any, Any], Any]:
    f, d, heads = torch.nn.functional, shape.width, shape.heads

    def norm(x: Any, at: str) -> Any:
        return f.layer_norm(x, (d,), p[f"{at}.gain"], p[f"{at}.bias"])

    def attention(x: Any, at: str) -> Any:
        joined = f.linear(x, p[f"{at}W"], p[f"{at}b"])
        apart = joined.view(*x.shape[:2], 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        mixed = f.scaled_dot_product_attention(*apart.unbind(0), is_causal=True)
        return f.linear(mixed.transpose(1, 2).reshape(x.shape), p[f"{at}Wo"], p[f"{at}bo"])

    def mlp(x: Any, at: str) -> Any:
        up = f.linear(x, p[f"{at}W1"], p[f"{at}b1"])
        return f.linear(f.gelu(up, approximate="tanh"), p[f"{at}W2"], p[f"{at}b2"])

    def loss(tokens: Any, targets: Any) -> Any:
        x = f.embedding(tokens, p["E"]) + p["P"]
        for at in map(block, range(shape.layers)):
            x = x + attention(norm(x, f"{at}norm1"), f"{at}attention.")
            x = x + mlp(norm(x, f"{at}norm2"), f"{at}mlp.")
        logits = f.linear(norm(x, "norm"), p["head"])
        return f.cross_entropy(logits.flatten(0, 1), targets.flatten())

    return loss


def _torch(preset: str, compiled: bool) -> Loss:
    import torch

    shape, batch = PRESETS[preset]
    p = {path: _torch_parameter(torch, path, v) for path, v in _joined(shape).items()}
    optimiser = torch.optim.AdamW(
        list(p.values()),
        lr=ADAM.learning_rate,
        betas=(ADAM.beta1, ADAM.beta2),
        eps=ADAM.epsilon,
        weight_decay=ADAM.weight_decay,
        fused=True,
    )
    loss_of = _torch_loss(torch, p, shape)
    if compiled:
        loss_of = torch.compile(loss_of, dynamic=False)
    feeds = cycle([(torch.from_numpy(x), torch.from_numpy(y)) for x, y in _batches(shape, batch)])

    def one() -> Any:
        loss = loss_of(*next(feeds))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return loss.detach()

    return one


def _torch_parameter(torch: Any, path: str, value: Any) -> Any:
    """Matrices lie as (outputs, inputs), as PyTorch's layers keep them."""
    embedding = path in ("E", "P")
    laid = value.T if value.ndim == 2 and not embedding else value
    return torch.tensor(laid.copy()).requires_grad_()


def torch_eager(preset: str) -> Loss:
    """PyTorch, operation by operation; AdamW in one kernel."""
    return _torch(preset, compiled=False)


def torch_compile(preset: str) -> Loss:
    """PyTorch with its compiler around the loss, from an empty cache."""
    empty = tempfile.TemporaryDirectory(prefix="inductor_")
    atexit.register(empty.cleanup)
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = empty.name
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
    return _torch(preset, compiled=True)


def _jax_loss(jax: Any, shape: Shape) -> Callable[[Any, Any, Any], Any]:
    jnp = jax.numpy
    d, heads, t = shape.width, shape.heads, shape.context
    mask = jnp.tril(jnp.ones((t, t), bool))

    def norm(p: Any, x: Any, at: str) -> Any:
        c = x - x.mean(-1, keepdims=True)
        spread = (c * c).mean(-1, keepdims=True) + reference.NORM_EPSILON
        return c * jax.lax.rsqrt(spread) * p[f"{at}.gain"] + p[f"{at}.bias"]

    def attention(p: Any, x: Any, at: str) -> Any:
        joined = (x @ p[f"{at}W"] + p[f"{at}b"]).reshape(-1, t, 3, heads, d // heads)
        q, k, v = (joined[:, :, n] for n in range(3))
        score = jnp.einsum("bthk,bshk->bhts", q, k) / np.sqrt(d // heads).astype(np.float32)
        weight = jax.nn.softmax(jnp.where(mask, score, -jnp.inf), -1)
        mixed = jnp.einsum("bhts,bshk->bthk", weight, v).reshape(x.shape)
        return mixed @ p[f"{at}Wo"] + p[f"{at}bo"]

    def mlp(p: Any, x: Any, at: str) -> Any:
        up = jax.nn.gelu(x @ p[f"{at}W1"] + p[f"{at}b1"], approximate=True)
        return up @ p[f"{at}W2"] + p[f"{at}b2"]

    def loss(p: Any, tokens: Any, targets: Any) -> Any:
        x = p["E"][tokens] + p["P"]
        for at in map(block, range(shape.layers)):
            x = x + attention(p, norm(p, x, f"{at}norm1"), f"{at}attention.")
            x = x + mlp(p, norm(p, x, f"{at}norm2"), f"{at}mlp.")
        likely = jax.nn.log_softmax(norm(p, x, "norm") @ p["head"], -1)
        return -jnp.take_along_axis(likely, targets[..., None], -1).mean()

    return loss


def jax_jit(preset: str) -> Loss:
    """JAX: the whole step under one `jit`, its state donated."""
    import jax

    shape, batch = PRESETS[preset]
    jnp, each = jax.numpy, jax.tree_util.tree_map
    gradient = jax.value_and_grad(_jax_loss(jax, shape))

    def step(p: Any, m: Any, v: Any, t: Any, tokens: Any, targets: Any) -> Any:
        loss, g = gradient(p, tokens, targets)
        t = t + 1
        m = each(lambda m, g: ADAM.beta1 * m + (1 - ADAM.beta1) * g, m, g)
        v = each(lambda v, g: ADAM.beta2 * v + (1 - ADAM.beta2) * g * g, v, g)
        c1, c2 = 1 - ADAM.beta1**t, 1 - ADAM.beta2**t
        kept = 1 - ADAM.learning_rate * ADAM.weight_decay

        def update(p: Any, m: Any, v: Any) -> Any:
            return p * kept - ADAM.learning_rate * (m / c1) / (jnp.sqrt(v / c2) + ADAM.epsilon)

        return each(update, p, m, v), m, v, t, loss

    compiled = jax.jit(step, donate_argnums=(0, 1, 2, 3))
    p = each(jnp.asarray, _joined(shape))
    state = [p, each(jnp.zeros_like, p), each(jnp.zeros_like, p), jnp.zeros((), jnp.float32)]
    feeds = cycle(
        [(jnp.asarray(x, jnp.int32), jnp.asarray(y, jnp.int32)) for x, y in _batches(shape, batch)]
    )

    def one() -> Any:
        *state[:], loss = compiled(*state, *next(feeds))
        return loss

    return one


COMPETITORS: Mapping[str, Callable[..., Loss]] = {
    "flux": flux,
    "numpy by hand": numpy_by_hand,
    "torch eager": torch_eager,
    "torch compile": torch_compile,
    "jax jit": jax_jit,
}
