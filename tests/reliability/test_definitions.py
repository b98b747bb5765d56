"""Hostile files of definitions: recursion, repetition, expansion, headers (T4, T5, T7)."""

from __future__ import annotations

import pytest

import flux
from flux.errors import ArgumentError, FluxError, LimitError, ParseError
from tests.reliability.bounds import within

_MODEL = "model m(x[t], k; n: int = 3):\n    "


def _chain(first: str, step: str, count: int) -> str:
    lines = [first.replace("#", "0")]
    lines += [step.replace("#+", str(i + 1)).replace("#", str(i)) for i in range(count)]
    return "".join(lines) + f"{_MODEL}f{count}(x)\n"


def _axes(count: int) -> str:
    return ", ".join(f"a{i}" for i in range(count))


RECURSIVE = (
    f"f(x) = f(x)\n{_MODEL}f(x)\n",
    f"f(x) = where(x > 0, f(x - 1), 0)\n{_MODEL}f(x)\n",
    f"f(x) = g(x)\ng(x) = f(x)\n{_MODEL}f(x)\n",
    f"f(x) = repeat(f, 2)(x)\n{_MODEL}f(x)\n",
    f"f(x) = repeat(g, 2)(x)\ng(x) = repeat(f, 2)(x)\n{_MODEL}f(x)\n",
    f"layer f[t](x[t]):\n    g(x)\nlayer g[t](x[t]):\n    f(x)\n{_MODEL}f(x)\n",
    f"layer f[t](x[t]):\n    repeat(f, 2)(x)\n{_MODEL}f(x)\n",
    f"layer f[t](x[t]):\n    b = f()\n    b(x)\n{_MODEL}f(x)\n",
)

LIMITED = (
    _chain("f#(x) = x + 1\n", "f#+(x) = f#(f#(x))\n", 60),
    _chain("f#[t](x[t]) = sum[t](x)*x\n", "f#+(x) = f#(f#(x))\n", 60),
    _chain(
        "layer f#[t](x[t]):\n    param a[t] = 0\n    x + a\n",
        "layer f#+[t](x[t]):\n    f#(f#(x))\n",
        60,
    ),
    _chain("f#(x) = x\n", "f#+(x) = f#(x) + 1\n", 3_000),
    f"f(x) = x + 1\ng(x) = repeat(f, 1000)(x)\n{_MODEL}repeat(g, 1000)(x)\n",
    f"{_MODEL}diff(tanh(k), k, 1000)*x\n",
    f"model m(x[{_axes(30_000)}]):\n    x\n",
    f"model m({_axes(30_000)}):\n    a0\n",
)

REFUSED = (
    (f"f(x) = x + 1\n{_MODEL}repeat(f, 1000000000)(x)\n", {}),
    (f"f(x) = x\n{_MODEL}repeat(f, n)(x)\n", {"n": 10**9}),
    (f"f(x) = x\n{_MODEL}repeat(f, n)(x)\n", {"n": -1}),
    (f"f(x) = x\n{_MODEL}repeat(f, n)(x)\n", {"n": float("nan")}),
    (f"f(x) = x\n{_MODEL}repeat(f, n)(x)\n", {"n": 10**5_000}),
    (f"f(x) = x\n{_MODEL}repeat(f, n)(x)\n", {"n": "__import__"}),
    (f"{_MODEL}diff(exp(sin(k)), k, 1000000000)*x\n", {}),
    ("f(x) = sin(x)\nderivative f(x) = g(x)\ng(x) = cos(x)\nderivative g(x) = f(x)\n", {}),
    ("f(x) = exp(x)\nderivative f(x) = diff(exp(sin(x)), x, 100)\n" + _MODEL + "x\n", {}),
    (f"f(x) = {'exp(' * 400}x{')' * 400}\nderivative f(x) = 1\n{_MODEL}x\n", {}),
    ("f(x) = yy\n" * 15_000, {}),
    ("f(x) = x\n" * 15_000, {}),
)

ACCEPTED = (
    _chain("f#(x) = x\n", "f#+(x) = f#(f#(x))\n", 60),
    _chain("f#(x) = x + 1\n", "f#+(x) = f#(x)*f#(x)\n", 60),
    _chain("f#(x) = 1\n", "f#+(x) = f#(x) + f#(x)\n", 60),
    f"f(x) = x\ng(x) = repeat(f, 1000)(x)\nh(x) = repeat(g, 1000)(x)\n{_MODEL}repeat(h, 1000)(x)\n",
    f"{_MODEL}diff(k^3, k, 1000)*x\n",
    f"f(x) = exp(x)\nderivative f(x) = f(x)\n{_MODEL}diff(f(k), k, 50)*x\n",
    f"model m(x[{_axes(1_000)}]):\n    {' + '.join(f'sum[a{i}](x)' for i in range(1_000))}\n",
    f"f[t](x[t]) = sum[s](x[t = s])*x\n{_MODEL}repeat(f, 300)(x)\n",
)


def _built(text: str, **options: object) -> flux.Expr:
    result: flux.Expr = flux.load_text(text)["m"].build(**options).result
    return result


@pytest.mark.parametrize("text", RECURSIVE)
def test_a_definition_that_calls_itself_is_refused(text: str) -> None:
    with within(0.5), pytest.raises(ParseError, match="calls itself"):
        _built(text)


@pytest.mark.parametrize("text", LIMITED, ids=range(len(LIMITED)))
def test_what_expands_without_end_meets_a_limit_that_is_named(text: str) -> None:
    with within(), pytest.raises(LimitError, match=r"setting max_|deep"):
        _built(text)


@pytest.mark.parametrize(("text", "options"), REFUSED, ids=range(len(REFUSED)))
def test_hostile_files_are_refused(text: str, options: dict[str, object]) -> None:
    with within(), pytest.raises(FluxError) as caught:
        _built(text, **options)
    assert len(caught.value.render()) < 2_048


@pytest.mark.parametrize("text", ACCEPTED, ids=range(len(ACCEPTED)))
def test_what_only_looks_large_is_built(text: str) -> None:
    with within():
        e = _built(text)
        assert flux.parse(str(e)) is e


def test_a_count_of_repetitions_names_its_bound() -> None:
    with pytest.raises(ArgumentError, match="10000 times"):
        _built(f"f(x) = x\n{_MODEL}repeat(f, 10001)(x)\n")


def test_own_derivatives_are_checked_in_time() -> None:
    long = " + ".join(f"{i}*x*x" for i in range(4_000))
    slope = " + ".join(f"{2 * i}*x" for i in range(4_000))
    with within():
        flux.load_text(f"f(x) = {long}\nderivative f(x) = {slope}\n")
    many = "".join(f"f{i}(x) = sin(x)\nderivative f{i}(x) = cos(x)\n" for i in range(1_500))
    with within():
        flux.load_text(many)
