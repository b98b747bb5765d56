"""The standard library against SciPy and NumPy, and its behaviour far out and at kinks."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import special, stats

from flux.calculus import diff, gradient
from flux.expr import variable
from flux.expr.evaluate import evaluate
from flux.syntax import load_text, parse
from flux.syntax.module import LIBRARY

POINTS = (-3.7, -1.2, -0.4, 0.3, 0.9, 2.6, 11.0)
POSITIVE = (0.1, 0.7, 1.3, 4.2, 30.0)
UNIT = (0.05, 0.3, 0.62, 0.97)


def _log_sigmoid(x: float) -> float:
    return float(special.log_expit(x))


REFERENCES: dict[str, tuple[Callable[..., float], tuple[float, ...]]] = {
    "ln": (math.log, POSITIVE),
    "sgn": (lambda x: float(np.sign(x)), POINTS),
    "int": (math.trunc, POINTS),
    "fabs": (abs, POINTS),
    "square": (lambda x: x * x, POINTS),
    "exp2": (lambda x: 2.0**x, POINTS),
    "arcsin": (math.asin, UNIT),
    "arccos": (math.acos, UNIT),
    "arctan": (math.atan, POINTS),
    "degrees": (math.degrees, POINTS),
    "radians": (math.radians, POINTS),
    "sec": (lambda x: 1 / math.cos(x), POINTS),
    "csc": (lambda x: 1 / math.sin(x), POINTS),
    "cot": (lambda x: 1 / math.tan(x), POINTS),
    "asec": (lambda x: math.acos(1 / x), (1.2, 3.0, -2.0)),
    "acsc": (lambda x: math.asin(1 / x), (1.2, 3.0, -2.0)),
    "acot": (lambda x: math.atan(1 / x), POINTS),
    "sech": (lambda x: 1 / math.cosh(x), POINTS),
    "csch": (lambda x: 1 / math.sinh(x), POINTS),
    "coth": (lambda x: 1 / math.tanh(x), POINTS),
    "asech": (lambda x: math.acosh(1 / x), UNIT),
    "acsch": (lambda x: math.asinh(1 / x), POINTS),
    "acoth": (lambda x: math.atanh(1 / x), (1.2, 3.0, -2.0)),
    "digamma": (lambda x: float(special.digamma(x)), POSITIVE),
    "trigamma": (lambda x: float(special.polygamma(1, x)), POSITIVE),
    "factorial": (lambda x: float(special.gamma(x + 1)), POSITIVE),
    "normal_cdf": (lambda x: float(stats.norm.cdf(x)), (*POINTS, -8.0)),
    "normal_pdf": (lambda x: float(stats.norm.pdf(x)), POINTS),
    "isnan": (lambda x: float(math.isnan(x)), POINTS),
    "isinf": (lambda x: float(math.isinf(x)), POINTS),
    "isfinite": (lambda x: float(math.isfinite(x)), POINTS),
    "sigmoid": (lambda x: float(special.expit(x)), (*POINTS, -700.0, 700.0, 0.0)),
    "softplus": (lambda x: float(np.logaddexp(0, x)), (*POINTS, -700.0, 1e5, 0.0)),
    "log_sigmoid": (_log_sigmoid, (*POINTS, -1e5, 700.0, 0.0)),
    "logit": (lambda x: float(special.logit(x)), UNIT),
    "relu": (lambda x: max(x, 0.0), POINTS),
    "leaky_relu": (lambda x: x if x > 0 else 0.01 * x, POINTS),
    "elu": (lambda x: x if x > 0 else math.expm1(x), POINTS),
    "gelu": (lambda x: x * float(stats.norm.cdf(x)), POINTS),
    "gelu_tanh": (
        lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        POINTS,
    ),
    "silu": (lambda x: x * float(special.expit(x)), POINTS),
    "mish": (lambda x: x * math.tanh(np.logaddexp(0, x)), POINTS),
}
OF_TWO = {
    "pow": (math.pow, POSITIVE),
    "lbeta": (lambda a, b: float(special.betaln(a, b)), POSITIVE),
    "isclose": (lambda a, b: float(math.isclose(a, b)), POINTS),
}
ALONG_AN_AXIS = {
    "softmax": lambda x: special.softmax(x, axis=1),
    "logsumexp": lambda x: special.logsumexp(x, axis=1),
    "log_softmax": lambda x: special.log_softmax(x, axis=1),
    "argmin": lambda x: np.argmin(x, axis=1),
    "variance": lambda x: np.var(x, axis=1),
    "deviation": lambda x: np.std(x, axis=1),
    "norm": lambda x: np.linalg.norm(x, axis=1),
}
ELSEWHERE = {"clip", "uniform", "normal"}  # tested below, or in tests of layers


@pytest.mark.parametrize("name", REFERENCES)
def test_a_function_of_one_number(name: str) -> None:
    reference, points = REFERENCES[name]
    e = parse(f"{name}(x)")
    for x in points:
        assert evaluate(e, {"x": x}) == pytest.approx(reference(x), rel=1e-13, abs=1e-300), x


@pytest.mark.parametrize("name", OF_TWO)
def test_a_function_of_two_numbers(name: str) -> None:
    reference, points = OF_TWO[name]
    e = parse(f"{name}(a, b)")
    for a in points:
        for b in (*points[:3], a + 1e-12):
            assert evaluate(e, {"a": a, "b": b}) == pytest.approx(reference(a, b), rel=1e-12)


@pytest.mark.parametrize("name", ALONG_AN_AXIS)
def test_a_function_along_an_axis(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5)) * 3
    e = parse(f"input x[t, v]\n{name}[v](x)")
    np.testing.assert_allclose(evaluate(e, {"x": x}), ALONG_AN_AXIS[name](x), rtol=1e-12)


def test_every_function_of_the_file_is_tested() -> None:
    file = next(LIBRARY._files())
    assert set(file) == {*REFERENCES, *OF_TWO, *ALONG_AN_AXIS, *ELSEWHERE}


def test_clip() -> None:
    e = parse("clip(x, -1, 2)")
    assert [evaluate(e, {"x": x}) for x in (-5.0, 0.5, 7.0)] == [-1.0, 0.5, 2.0]


def test_isclose_of_infinities() -> None:
    e = parse("isclose(a, b)")
    inf = math.inf
    pairs = [(inf, inf), (inf, -inf), (inf, 1e300), (0.0, 1e-300), (1e300, 1e300)]
    found = [evaluate(e, {"a": a, "b": b}, raise_domain=False) for a, b in pairs]
    assert found == [float(math.isclose(a, b)) for a, b in pairs]


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "silu", "gelu", "mish", "log_sigmoid"])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_smooth_activations_have_every_derivative(name: str, order: int) -> None:
    e = diff(parse(f"{name}(x)"), "x", order)
    for x in (-900.0, -20.0, -1e-8, 0.0, 1e-8, 20.0, 900.0):
        assert math.isfinite(evaluate(e, {"x": x}, raise_domain=False)), x
    left, right = (evaluate(e, {"x": x}) for x in (-1e-7, 1e-7))
    assert evaluate(e, {"x": 0.0}) == pytest.approx((left + right) / 2, rel=1e-5, abs=1e-6)


SIGMOID_AT_0 = (0.5, 0.25, 0.0, -0.125)


@pytest.mark.parametrize("order", range(4))
def test_the_sigmoids_derivatives_at_zero(order: int) -> None:
    e = diff(parse("sigmoid(x)"), "x", order) if order else parse("sigmoid(x)")
    assert evaluate(e, {"x": 0.0}) == pytest.approx(SIGMOID_AT_0[order], abs=1e-15)


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0)])
def test_kinks_take_the_branch_below(name: str, slope: float) -> None:
    assert evaluate(diff(parse(f"{name}(x)"), "x", 1), {"x": 0.0}) == slope


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu", "sigmoid", "softplus"])
def test_nan_passes_through(name: str) -> None:
    assert math.isnan(evaluate(parse(f"{name}(x)"), {"x": math.nan}, raise_domain=False))


def test_logsumexp_far_out() -> None:
    e = parse("input x[v]\nlogsumexp[v](x)")
    inf = math.inf
    rows = [[1e308, 1e308], [-1e308, -1e308], [-inf, 0.0], [inf, 0.0], [-inf, -inf], [-800.0, 0.0]]
    for row in rows:
        with np.errstate(all="ignore"):
            expected = np.logaddexp(row[0], row[1])
        found = evaluate(e, {"x": np.array(row)}, raise_domain=False)
        assert found == pytest.approx(expected)


def test_the_gradient_of_logsumexp_is_softmax() -> None:
    x = np.array([800.0, -800.0, 799.0, 0.0])
    (slope,) = gradient(parse("input x[v]\nlogsumexp[v](x)"), [variable("x", ("v",))])
    np.testing.assert_allclose(evaluate(slope, {"x": x}), special.softmax(x), rtol=1e-12)


def test_normal_numbers_have_their_moments() -> None:
    params = "    param W[n] ~ normal(2, 0.5)\n    param U[n] ~ uniform(-1, 3)\n"
    text = f"model m(a[n]):\n{params}    a*W*U"
    graph = load_text(text)["m"].build()
    normal, uniform = (
        evaluate(p.initial, {"seed": 7}, sizes={"n": 40_000}) for p in graph.parameters
    )
    assert normal.mean() == pytest.approx(2, abs=0.02)
    assert normal.std() == pytest.approx(0.5, rel=0.02)
    assert abs(stats.skew(normal)) < 0.05
    assert abs(stats.kurtosis(normal)) < 0.1
    assert uniform.min() >= -1
    assert uniform.max() < 3
    assert uniform.mean() == pytest.approx(1, abs=0.03)
    assert abs(np.corrcoef(normal, uniform)[0, 1]) < 0.02
