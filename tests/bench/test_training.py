"""A training step: Flux against NumPy by hand, and against PyTorch and JAX where installed.

Every competitor starts from the same parameters and sees the same batches; the loss after eight
steps is compared before anything is timed. `pytest tests/bench/test_training.py -m bench -n 0 -s`
prints steps a second: median and best of interleaved rounds, one BLAS thread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from flux.training.recipe import Recipe
from flux.training.step import Step
from tests import reference_gpt as reference
from tests.bench.numpy_gpt import Adam, HandWritten
from tests.gpt_models import gpt, reference_path

Batches = list[tuple[reference.Tokens, reference.Tokens]]
Run = Callable[[int], float]  # runs some steps; the last loss

SIZES = {
    "tiny": (reference.Shape(65, 32, 64, 2, 1, 128), 1, 30),
    "small": (reference.Shape(65, 64, 128, 4, 2, 512), 1, 10),
    "small-b16": (reference.Shape(65, 64, 128, 4, 2, 512), 16, 2),
}
CHECKED_STEPS, ROUNDS = 8, 20


def make_flux(
    shape: reference.Shape, batch: int, values: reference.Parameters, batches: Batches
) -> Run:
    model = gpt(shape, dtype="float32")
    model.load_state_dict({path: values[reference_path(path)] for path in model.parameters})
    sizes = {**model.sizes, "b": batch, "t": shape.context}
    step = Step(model, Recipe(clip=0, decay_all=True), sizes)
    feeds = [{"tokens": tokens, "targets": targets} for tokens, targets in batches]
    return _counted(lambda n: step(n, feeds[n % len(feeds)]))


def make_numpy(
    shape: reference.Shape, batch: int, values: reference.Parameters, batches: Batches
) -> Run:
    step = HandWritten(shape, batch, values, Adam())
    return _counted(lambda n: step(*batches[n % len(batches)]))


def make_torch(
    shape: reference.Shape, batch: int, values: reference.Parameters, batches: Batches
) -> Run:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    p = {k: torch.tensor(v, dtype=torch.float32).requires_grad_() for k, v in values.items()}
    adam = torch.optim.AdamW(
        list(p.values()), lr=1e-3, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.01, fused=True
    )
    feeds = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]

    def one(n: int) -> float:
        loss = _torch_loss(torch, p, shape, *feeds[n % len(feeds)])
        loss.backward()
        adam.step()
        adam.zero_grad(set_to_none=True)
        return float(loss)

    return _counted(one)


def _torch_loss(torch, p, shape, tokens, targets):  # type: ignore[no-untyped-def]
    f, d = torch.nn.functional, shape.width
    x = f.embedding(tokens, p["E"]) + p["P"]
    for i in range(shape.layers):
        at = reference.block(i)
        a = f.layer_norm(x, (d,), p[f"{at}norm1.gain"], p[f"{at}norm1.bias"])
        q, k, v = (
            torch.einsum("btd,dhk->bhtk", a, p[f"{at}attention.W{n}"])
            + p[f"{at}attention.b{n}"][:, None]
            for n in "qkv"
        )
        mixed = f.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + torch.einsum("bhtk,hkd->btd", mixed, p[f"{at}attention.Wo"])
        x = x + p[f"{at}attention.bo"]
        c = f.layer_norm(x, (d,), p[f"{at}norm2.gain"], p[f"{at}norm2.bias"])
        u = f.gelu(c @ p[f"{at}mlp.W1"] + p[f"{at}mlp.b1"], approximate="tanh")
        x = x + u @ p[f"{at}mlp.W2"] + p[f"{at}mlp.b2"]
    hidden = f.layer_norm(x, (d,), p["norm.gain"], p["norm.bias"])
    return f.cross_entropy((hidden @ p["head"]).flatten(0, 1), targets.flatten())


COMPETITORS = {"flux": make_flux, "numpy by hand": make_numpy, "torch eager": make_torch}


def _counted(one: Callable[[int], float]) -> Run:
    done = 0

    def run(steps: int) -> float:
        nonlocal done
        loss = float("nan")
        for _ in range(steps):
            loss = one(done)
            done += 1
        return loss

    return run


def _prepare(name: str) -> dict[str, Run]:
    shape, batch, _ = SIZES[name]
    values = reference.initial(shape, seed=0)
    random = np.random.default_rng(1)
    batches = list(random.integers(0, shape.vocabulary, (16, 2, batch, shape.context)))
    made = {}
    for competitor, make in COMPETITORS.items():
        try:
            made[competitor] = make(shape, batch, values, [tuple(b) for b in batches])
        except pytest.skip.Exception:
            print(f"{competitor} is not installed")
    return made


def _check_losses(runs: Mapping[str, Run]) -> None:
    losses = {competitor: run(CHECKED_STEPS) for competitor, run in runs.items()}
    for competitor, loss in losses.items():
        assert loss == pytest.approx(losses["numpy by hand"], rel=1e-4), (competitor, losses)


@pytest.mark.bench
@pytest.mark.parametrize("name", SIZES)
def test_steps_per_second(name: str) -> None:
    steps = SIZES[name][2]
    with threadpool_limits(1, user_api="blas"):
        runs = _prepare(name)
        _check_losses(runs)
        rates: dict[str, list[float]] = {competitor: [] for competitor in runs}
        for _ in range(ROUNDS):
            for competitor, run in runs.items():
                started = time.perf_counter()
                run(steps)
                rates[competitor].append(steps / (time.perf_counter() - started))
    print(f"\n{name}")
    for competitor, found in rates.items():
        print(f"  {competitor:<14} {statistics.median(found):8,.0f} {max(found):8,.0f} steps/s")


def test_the_yardstick_is_right() -> None:
    shape = reference.Shape(7, 5, 6, 2, 2, 8)
    values = reference.initial(shape, 0)
    random = np.random.default_rng(1)
    tokens, targets = random.integers(0, 7, (2, 3, 5))
    hand = HandWritten(shape, 3, values, Adam())
    loss = hand(tokens, targets)
    expected_loss, expected = reference.gradients(values, tokens, targets)
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for path, g in expected.items():
        np.testing.assert_allclose(hand.g[path], g, rtol=1e-3, atol=1e-5, err_msg=path)
