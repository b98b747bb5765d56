"""Initial values: their moments, and each lattice, spiral and angle against plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from flux.nn import OTHERS, WEIGHTS, Model
from flux.nn.parameters import group_of
from flux.syntax import load_text

SPREAD = 0.3


def initial(text: str, seed: int = 0, **sizes: int) -> np.ndarray:
    """A parameter E[v, d] that starts as the text says."""
    model = f"model m[v, d](x[b]):\n    param E[v, d] ~ {text}\n    mean[b](x)*mean[v, d](E)\n"
    graph = load_text(model)["m"].build()
    return Model(graph, sizes, seed=seed, dtype="float64").parameters["E"]


RANDOM = [
    # text, standard deviation, greatest magnitude
    ("normal(0, 0.2)", 0.2, math.inf),
    ("uniform(-0.2, 0.2)", 0.2 / math.sqrt(3), 0.2),
    ("xavier_normal(size[v], size[d])", math.sqrt(2 / 500), math.inf),
    ("xavier_uniform(size[v], size[d])", math.sqrt(2 / 500), math.sqrt(6 / 500)),
    ("he_normal(size[v])", math.sqrt(2 / 300), math.inf),
    ("he_uniform(size[v])", math.sqrt(2 / 300), math.sqrt(6 / 300)),
]


@pytest.mark.parametrize(("text", "deviation", "most"), RANDOM)
def test_random_initial_values_have_their_moments(text: str, deviation: float, most: float) -> None:
    found = initial(text, v=300, d=200)
    assert found.std() == pytest.approx(deviation, rel=0.01)
    assert found.mean() == pytest.approx(0, abs=0.02 * deviation)
    assert np.abs(found).max() <= most
    assert np.abs(np.corrcoef(found[:, :9], rowvar=False) - np.eye(9)).max() < 0.3
    assert not np.array_equal(found, initial(text, seed=1, v=300, d=200))


def test_a_signal_keeps_its_size_through_layers_of_he() -> None:
    x = np.random.default_rng(0).normal(size=(50, 400))
    for seed in range(6):
        x = np.maximum(x @ initial("he_normal(size[v])", seed, v=400, d=400), 0)
    assert (x**2).mean() == pytest.approx(1, rel=0.25)


def primes(count: int) -> list[int]:
    found: list[int] = []
    n = 2
    while len(found) < count:
        if all(n % p for p in found if p * p <= n):
            found.append(n)
        n += 1
    return found


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 16, 37, 64, 150])
def test_primes_are_primes(count: int) -> None:
    np.testing.assert_array_equal(initial("prime[d]()", v=1, d=count)[0], primes(count))


def test_the_thousandth_primes_still_fit_below_eight_times_their_number() -> None:
    assert all(p < 8 * (n + 1) for n, p in enumerate(primes(1024)[1:], 1))
    # The trial divisors of D entries reach D + 1.
    assert all((d + 2) ** 2 >= 8 * d for d in range(1, 1025))


def test_a_prime_that_is_not_found_is_not_a_number() -> None:
    assert np.isnan(initial("prime[d]()", v=1, d=1025)).all()


def test_the_prime_lattice_is_multiples_of_roots_of_primes() -> None:
    found = initial(f"prime_lattice[v, d]({SPREAD})", v=40, d=12)
    for v in range(40):
        for d, p in enumerate(primes(12)):
            wanted = SPREAD * math.sqrt(12) * (math.fmod((v + 1) * math.sqrt(p), 1) - 0.5)
            assert found[v, d] == pytest.approx(wanted, abs=1e-12)


def spiral(count: int) -> list[tuple[int, int]]:
    """Walked: right 1, up 1, left 2, down 2, right 3, ..."""
    places, x, y, length, (dx, dy) = [(0, 0)], 0, 0, 1, (1, 0)
    while len(places) < count:
        for _ in range(2):
            for _ in range(length):
                x, y = x + dx, y + dy
                places.append((x, y))
            dx, dy = -dy, dx
        length += 1
    return places[:count]


def test_the_spiral_is_walked_place_by_place() -> None:
    x = initial("ulam_x(v)", v=1000, d=1)[:, 0]
    y = initial("ulam_y(v)", v=1000, d=1)[:, 0]
    assert list(zip(x, y, strict=True)) == spiral(1000)


def test_the_ulam_spiral_is_waves_of_its_coordinates() -> None:
    found = initial(f"ulam_spiral[v, d]({SPREAD})", v=30, d=10)
    for v, place in enumerate(spiral(30)):
        for d in range(10):
            angle = place[d % 4 // 2] / 10000 ** (4 * (d // 4) / 10)
            wave = math.sin(angle) if d % 2 == 0 else math.cos(angle)
            assert found[v, d] == pytest.approx(SPREAD * math.sqrt(2) * wave, abs=1e-12)


def test_the_golden_angle_turns_by_the_sunflowers_angle() -> None:
    found = initial(f"golden_angle[v, d]({SPREAD})", v=20, d=6)
    golden = 2 * math.pi * (1 - 1 / ((1 + math.sqrt(5)) / 2))
    for v in range(20):
        for j in range(3):
            z = np.exp(1j * (j + 1) * (v + 1) * golden) * SPREAD * math.sqrt(2)
            assert found[v, 2 * j] == pytest.approx(z.real, abs=1e-12)
            assert found[v, 2 * j + 1] == pytest.approx(z.imag, abs=1e-12)


@pytest.mark.parametrize("name", ["prime_lattice", "ulam_spiral", "golden_angle"])
def test_embeddings_by_place_have_their_size_and_tell_tokens_apart(name: str) -> None:
    found = initial(f"{name}[v, d]({SPREAD})", v=200, d=64)
    assert math.sqrt((found**2).mean()) == pytest.approx(SPREAD, rel=0.05)
    apart = np.linalg.norm(found[:, None] - found[None], axis=-1) + 9 * np.eye(200)
    assert apart.min() > 0.1 * SPREAD
    np.testing.assert_array_equal(found, initial(f"{name}[v, d]({SPREAD})", seed=7, v=200, d=64))


def test_what_starts_at_different_values_is_a_weight() -> None:
    text = """
model m[v, d](x[b]):
    param by_place[v, d] ~ golden_angle[v, d](0.02)
    param by_chance[d] ~ normal(0, 1)
    param flat[v, d] = 1/size[d]
    mean[b](x)*mean[v, d](by_place*by_chance*flat)
"""
    graph = load_text(text)["m"].build()
    groups = {p.path: group_of(p) for p in graph.parameters}
    assert groups == {"by_place": WEIGHTS, "by_chance": WEIGHTS, "flat": OTHERS}
