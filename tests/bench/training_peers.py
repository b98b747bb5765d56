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
import time
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from tests import reference_gpt as reference
from tests.bench.hand_numpy import Adam, Flat, HandWritten, absent_in_plain
from tests.gpt_models import gpt, reference_path
from tests.reference_gpt import Shape, block


class Case(NamedTuple):
    """A preset of `flux train` over 65 characters.

    Attributes:
        shape: vocabulary, context, width, heads, layers and feed-forward width.
        batch: windows of a step.
        plain: whether there are no biases, the output matrix is the embedding, and GELU is exact.
    """

    shape: Shape
    batch: int
    plain: bool = False


PRESETS: Mapping[str, Case] = {
    "tiny": Case(Shape(65, 32, 64, 2, 1, 128), 1),
    "small": Case(Shape(65, 64, 128, 4, 2, 512), 1),
    "small-b16": Case(Shape(65, 64, 128, 4, 2, 512), 16),
    "nanogpt-cpu": Case(Shape(65, 64, 128, 4, 4, 512), 12, plain=True),
    "medium": Case(Shape(65, 128, 256, 8, 4, 1024), 16),
    "large": Case(Shape(65, 128, 512, 16, 6, 2048), 8),
}
ADAM = Adam()
_TRIED, _TRIED_S = 20, 0.3  # steps of each way of sharing, and seconds
Loss = Callable[[], Any]


def values_of(case: Case) -> reference.Parameters:
    """The values that every row starts from, by the reference's paths."""
    values = reference.initial(case.shape, seed=0)
    return {path: v for path, v in values.items() if not (case.plain and absent_in_plain(path))}


def _batches(case: Case) -> list[tuple[reference.Tokens, reference.Tokens]]:
    sizes = (16, 2, case.batch, case.shape.context)
    drawn = np.random.default_rng(1).integers(0, case.shape.vocabulary, sizes)
    return [(tokens, targets) for tokens, targets in drawn]


def flux(preset: str) -> Loss:
    """The library's GPT, its gradient and AdamW, shared among the cores as is measured first.

    So does `flux train --threads auto`.
    """
    from flux.cli.machine import usable_cores
    from flux.nn.parts import most_parts
    from flux.training import Recipe, Sharing, limit_blas_to, measure
    from flux.training.step import Step

    case = PRESETS[preset]
    model = library_model(case)
    sizes = {**model.sizes, "b": case.batch, "t": case.shape.context}
    recipe = Recipe(
        learning_rate=ADAM.learning_rate,
        clip=0,
        weight_decay=ADAM.weight_decay,
        decay_all=True,
        beta1=ADAM.beta1,
        beta2=ADAM.beta2,
        epsilon=ADAM.epsilon,
    )
    batches = [{"tokens": x, "targets": y} for x, y in _batches(case)]

    def step_of(sharing: Sharing) -> Loss:
        model.load_state_dict(library_values(case, model))
        step = Step(model, recipe, sizes, sharing.own, parts=sharing.parts)
        feeds, counted = cycle(batches), iter(range(1 << 62))
        return lambda: step(next(counted), next(feeds))

    cores = usable_cores()
    parts = most_parts(model.training_graph, sizes, cores)
    found = measure(cores, parts, "", lambda sharing: _seconds(step_of(sharing)))
    limit_blas_to(found.blas)
    return Noted(step_of(found), str(found))


class Noted:
    """Something to call, and a remark for the table."""

    def __init__(self, call: Loss, note: str) -> None:
        self._call, self.note = call, note

    def __call__(self) -> Any:
        return self._call()


def _seconds(call: Loss) -> float:
    """The shortest of some calls after the first."""
    call()
    begun, times = time.perf_counter(), []
    while not times or (len(times) < _TRIED and time.perf_counter() - begun < _TRIED_S):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def library_model(case: Case, dtype: str = "float32") -> Any:
    """The library's model of a case."""
    return gpt(case.shape, dtype, name="gpt_plain" if case.plain else "gpt")


def library_paths(case: Case, model: Any) -> Mapping[str, str]:
    """The library's paths, and the reference's."""
    if not case.plain:
        return {path: reference_path(path) for path in model.parameters}
    usual = {
        p: p.replace("norm_plain", "layer_norm").replace("_plain", "") for p in model.parameters
    }
    return {path: reference_path(found) for path, found in usual.items()}


def library_values(case: Case, model: Any) -> Mapping[str, Any]:
    """The values that every row starts from, by the library's paths."""
    values = values_of(case)
    return {path: values[name] for path, name in library_paths(case, model).items()}


def numpy_by_hand(preset: str) -> Loss:
    """The yardstick."""
    case = PRESETS[preset]
    step = HandWritten(case.shape, case.batch, values_of(case), ADAM, case.plain)
    feeds = cycle(_batches(case))
    return lambda: step(*next(feeds))


def _joined(case: Case) -> dict[str, np.ndarray[Any, Any]]:
    """The values as matrices, queries, keys and values in one."""
    flat = Flat(case.shape, case.plain)
    for path, value in values_of(case).items():
        flat.view(path)[...] = value
    return {
        path: value.reshape(-1) if path.endswith("attention.b") else value
        for path, value in flat.matrices.items()
    }


def _torch_loss(torch: Any, p: Mapping[str, Any], case: Case) -> Callable[[Any, Any], Any]:
    f, d, heads = torch.nn.functional, case.shape.width, case.shape.heads
    head = p["E"] if case.plain else p["head"]
    form = "none" if case.plain else "tanh"

    def norm(x: Any, at: str) -> Any:
        return f.layer_norm(x, (d,), p[f"{at}.gain"], p.get(f"{at}.bias"))

    def attention(x: Any, at: str) -> Any:
        joined = f.linear(x, p[f"{at}W"], p.get(f"{at}b"))
        apart = joined.view(*x.shape[:2], 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        mixed = f.scaled_dot_product_attention(*apart.unbind(0), is_causal=True)
        return f.linear(mixed.transpose(1, 2).reshape(x.shape), p[f"{at}Wo"], p.get(f"{at}bo"))

    def mlp(x: Any, at: str) -> Any:
        up = f.linear(x, p[f"{at}W1"], p.get(f"{at}b1"))
        return f.linear(f.gelu(up, approximate=form), p[f"{at}W2"], p.get(f"{at}b2"))

    def loss(tokens: Any, targets: Any) -> Any:
        x = f.embedding(tokens, p["E"]) + p["P"]
        for at in map(block, range(case.shape.layers)):
            x = x + attention(norm(x, f"{at}norm1"), f"{at}attention.")
            x = x + mlp(norm(x, f"{at}norm2"), f"{at}mlp.")
        logits = f.linear(norm(x, "norm"), head)
        return f.cross_entropy(logits.flatten(0, 1), targets.flatten())

    return loss


def _torch(preset: str, compiled: bool) -> Loss:
    import torch

    case = PRESETS[preset]
    p = {path: _torch_parameter(torch, path, v) for path, v in _joined(case).items()}
    optimiser = torch.optim.AdamW(
        list(p.values()),
        lr=ADAM.learning_rate,
        betas=(ADAM.beta1, ADAM.beta2),
        eps=ADAM.epsilon,
        weight_decay=ADAM.weight_decay,
        fused=True,
    )
    loss_of = _torch_loss(torch, p, case)
    if compiled:
        loss_of = torch.compile(loss_of, dynamic=False)
    feeds = cycle([(torch.from_numpy(x), torch.from_numpy(y)) for x, y in _batches(case)])

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


def _jax_loss(jax: Any, case: Case) -> Callable[[Any, Any, Any], Any]:
    jnp, shape = jax.numpy, case.shape
    d, heads, t = shape.width, shape.heads, shape.context
    mask = jnp.tril(jnp.ones((t, t), bool))

    def norm(p: Any, x: Any, at: str) -> Any:
        c = x - x.mean(-1, keepdims=True)
        spread = (c * c).mean(-1, keepdims=True) + reference.NORM_EPSILON
        return c * jax.lax.rsqrt(spread) * p[f"{at}.gain"] + p.get(f"{at}.bias", 0)

    def attention(p: Any, x: Any, at: str) -> Any:
        joined = (x @ p[f"{at}W"] + p.get(f"{at}b", 0)).reshape(-1, t, 3, heads, d // heads)
        q, k, v = (joined[:, :, n] for n in range(3))
        score = jnp.einsum("bthk,bshk->bhts", q, k) / np.sqrt(d // heads).astype(np.float32)
        weight = jax.nn.softmax(jnp.where(mask, score, -jnp.inf), -1)
        mixed = jnp.einsum("bhts,bshk->bthk", weight, v).reshape(x.shape)
        return mixed @ p[f"{at}Wo"] + p.get(f"{at}bo", 0)

    def mlp(p: Any, x: Any, at: str) -> Any:
        up = jax.nn.gelu(x @ p[f"{at}W1"] + p.get(f"{at}b1", 0), approximate=not case.plain)
        return up @ p[f"{at}W2"] + p.get(f"{at}b2", 0)

    def loss(p: Any, tokens: Any, targets: Any) -> Any:
        x = p["E"][tokens] + p["P"]
        for at in map(block, range(shape.layers)):
            x = x + attention(p, norm(p, x, f"{at}norm1"), f"{at}attention.")
            x = x + mlp(p, norm(p, x, f"{at}norm2"), f"{at}mlp.")
        head = p["E"].T if case.plain else p["head"]
        likely = jax.nn.log_softmax(norm(p, x, "norm") @ head, -1)
        return -jnp.take_along_axis(likely, targets[..., None], -1).mean()

    return loss


def jax_jit(preset: str) -> Loss:
    """JAX: the whole step under one `jit`, its state donated."""
    import jax

    case = PRESETS[preset]
    jnp, each = jax.numpy, jax.tree_util.tree_map
    gradient = jax.value_and_grad(_jax_loss(jax, case))

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
    p = each(jnp.asarray, _joined(case))
    state = [p, each(jnp.zeros_like, p), each(jnp.zeros_like, p), jnp.zeros((), jnp.float32)]
    feeds = cycle(
        [(jnp.asarray(x, jnp.int32), jnp.asarray(y, jnp.int32)) for x, y in _batches(case)]
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
