"""Symbolic and scalar work, a competitor each: Flux, SymPy, SymEngine, CasADi, and Python itself.

A task is built once and its call is timed; every cache that could answer a second call is emptied
within the call. What a call returns is dropped at once, so that an interned result is built anew.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

Call = Callable[[], Any]

SHORT = "a + b*2"
MEDIUM = "(a + b*2)**2/(1 + exp(-a*b)) - sin(a)*cos(b)"
LONG = " + ".join(f"{n + 1}*a**{n % 7 + 2}*sin(b*{n + 1})" for n in range(1000))
SCALAR = "x**2*sin(y) + exp(-x*y)"

TEXTS = {"parse, short": SHORT, "parse, medium": MEDIUM, "parse, 1,000 terms": LONG}


# The expressions, built from a library's own symbols and functions.


def nest(m: Any, x: Any) -> Any:
    """Fifty sines inside one another, each times x."""
    f = x
    for n in range(50):
        f = m.sin(f) * x + n
    return f


def composition(m: Any, x: Any) -> Any:
    """Fifty functions of one another: sine, exponential, hyperbolic tangent in turn."""
    f = x
    for n in range(50):
        f = (m.sin(f), m.exp(-f), m.tanh(f))[n % 3] + 0.5
    return f


def terms(m: Any, x: Any) -> Any:
    """A thousand terms."""
    f: Any = 0
    for n in range(1000):
        f = f + (n + 1) * x ** (n % 7 + 2) * m.sin((n + 1) * x)
    return f


def gelu(m: Any, x: Any) -> Any:
    """GELU in its tanh form."""
    return 0.5 * x * (1 + m.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def rosenbrock(xs: list[Any]) -> Any:
    """Rosenbrock's function of many variables."""
    f: Any = 0
    for a, b in pairwise(xs):
        f = f + 100 * (b - a**2) ** 2 + (1 - a) ** 2
    return f


# Task: the expression and the order of the derivative.
DERIVATIVES: Mapping[str, tuple[Callable[[Any, Any], Any], int]] = {
    "derivative, nest of 50": (nest, 1),
    "derivative, composition of 50": (composition, 1),
    "derivative, 1,000 terms": (terms, 1),
    "second derivative, GELU": (gelu, 2),
    "third derivative, GELU": (gelu, 3),
}
GRADIENT, HESSIAN = "gradient, Rosenbrock in 100", "Hessian, Rosenbrock in 30"
COMPILE, EVALUATE = "compile that gradient", "evaluate that gradient"
CALL = "scalar call"
TASKS = (*TEXTS, *DERIVATIVES, GRADIENT, HESSIAN, COMPILE, EVALUATE, CALL)


def flux(task: str) -> Call:
    """`flux.parse`, `diff`, `gradient`, `compile`, and calls of what that gives."""
    import flux
    from flux.expr.build import apply, variable
    from flux.ops import Op
    from flux.syntax import _parse

    if task in TEXTS:
        text = TEXTS[task]
        return lambda: (_parse.cache_clear(), flux.parse(text))
    if task in DERIVATIVES:
        make, order = DERIVATIVES[task]
        m = SimpleNamespace(
            sin=partial(apply, Op.SIN), exp=partial(apply, Op.EXP), tanh=partial(apply, Op.TANH)
        )
        e = make(m, variable("x"))
        return lambda: e.diff("x", order)
    if task == CALL:
        f = flux.compile(SCALAR)
        return lambda: f(1.0, 2.0)
    names = [f"x{n}" for n in range(30 if task == HESSIAN else 100)]
    e = rosenbrock([variable(name) for name in names])
    if task == GRADIENT:
        return lambda: e.gradient(names)
    if task == HESSIAN:
        return lambda: e.hessian(names)
    gradient, point = dict(zip(names, e.gradient(names), strict=True)), [0.5] * 100
    if task == COMPILE:
        return lambda: flux.compile(gradient)(*point)  # code is made by the first call
    compiled = flux.compile(gradient)
    return lambda: compiled(*point)


def sympy(task: str) -> Call:
    """SymPy, its cache emptied before each call."""
    import sympy as sp
    from sympy.core.cache import clear_cache

    sys.setrecursionlimit(100_000)  # a thousand terms are a thousand calls deep

    def cold(call: Callable[[], Any]) -> Call:
        return lambda: (clear_cache(), call())

    if task in TEXTS:
        text = TEXTS[task]
        return cold(lambda: sp.sympify(text))
    if task in DERIVATIVES:
        make, order = DERIVATIVES[task]
        x = sp.Symbol("x")
        e = make(sp, x)
        return cold(lambda: sp.diff(e, x, order))
    if task == CALL:
        f = sp.lambdify(sp.symbols("x y"), sp.sympify(SCALAR), "math")
        return lambda: f(1.0, 2.0)
    xs = [sp.Symbol(f"x{n}") for n in range(30 if task == HESSIAN else 100)]
    e = rosenbrock(xs)
    if task == GRADIENT:
        return cold(lambda: [sp.diff(e, x) for x in xs])
    if task == HESSIAN:
        return cold(lambda: sp.hessian(e, xs))
    gradient = [sp.diff(e, x) for x in xs]
    if task == COMPILE:
        return cold(lambda: sp.lambdify([xs], gradient, modules="math", cse=True))
    f, point = sp.lambdify([xs], gradient, modules="math", cse=True), [0.5] * 100
    return lambda: f(point)


def symengine(task: str) -> Call:
    """SymEngine; functions of numbers by its LLVM backend."""
    import symengine as se

    if task in TEXTS:
        text = TEXTS[task]
        return lambda: se.sympify(text)
    if task in DERIVATIVES:
        make, order = DERIVATIVES[task]
        x = se.Symbol("x")
        e = make(se, x)
        return lambda: _repeated(e, lambda g: se.diff(g, x), order)
    if task == CALL:
        f = se.Lambdify(se.symbols("x y"), [se.sympify(SCALAR)], backend="llvm")
        return lambda: f((1.0, 2.0))
    xs = [se.Symbol(f"x{n}") for n in range(30 if task == HESSIAN else 100)]
    e = rosenbrock(xs)
    if task == GRADIENT:
        return lambda: [se.diff(e, x) for x in xs]
    if task == HESSIAN:
        return lambda: [[se.diff(g, x) for x in xs] for g in [se.diff(e, x) for x in xs]]
    gradient = [se.diff(e, x) for x in xs]
    if task == COMPILE:
        return lambda: se.Lambdify(xs, gradient, backend="llvm")
    f, point = se.Lambdify(xs, gradient, backend="llvm"), _point()
    return lambda: f(point)


def casadi(task: str) -> Call:
    """CasADi's scalar expressions and its virtual machine."""
    import casadi as ca

    if task in TEXTS:
        raise NotImplementedError("CasADi reads no text")
    if task in DERIVATIVES:
        make, order = DERIVATIVES[task]
        x = ca.SX.sym("x")
        e = make(ca, x)
        return lambda: _repeated(e, lambda g: ca.jacobian(g, x), order)
    if task == CALL:
        x, y = ca.SX.sym("x"), ca.SX.sym("y")
        f = ca.Function("f", [x, y], [x**2 * ca.sin(y) + ca.exp(-x * y)])
        return lambda: f(1.0, 2.0)
    xs = [ca.SX.sym(f"x{n}") for n in range(30 if task == HESSIAN else 100)]
    e, at = rosenbrock(xs), ca.vertcat(*xs)
    if task == GRADIENT:
        return lambda: ca.gradient(e, at)
    if task == HESSIAN:
        return lambda: ca.hessian(e, at)[0]
    gradient = ca.gradient(e, at)
    if task == COMPILE:
        return lambda: ca.Function("f", [at], [gradient])
    f, point = ca.Function("f", [at], [gradient]), _point()
    return lambda: f(point)


def python(task: str) -> Call:
    """What Python itself does, as a floor: its own parser, and a plain function."""
    if task in TEXTS:
        text = TEXTS[task]
        return lambda: compile(text, "<text>", "eval")
    if task == CALL:
        f = eval(f"lambda x, y: {SCALAR}", {"sin": math.sin, "exp": math.exp})
        return lambda: f(1.0, 2.0)
    raise NotImplementedError("Python does no algebra")


def _repeated(e: Any, once: Callable[[Any], Any], times: int) -> Any:
    for _ in range(times):
        e = once(e)
    return e


def _point() -> Any:
    import numpy as np

    return np.full(100, 0.5)


COMPETITORS: Mapping[str, Callable[[str], Call]] = {
    "flux": flux,
    "python": python,
    "sympy": sympy,
    "symengine": symengine,
    "casadi": casadi,
}
# Longer than twenty seconds for one call.
TOO_LONG = frozenset({("sympy", "derivative, composition of 50")})
