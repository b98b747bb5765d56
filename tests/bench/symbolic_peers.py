"""Symbolic and scalar work, a competitor each: Flux, Python itself, SymPy, C++ and NumPy's peers.

A task is built once and its call is timed; every cache that could answer a second call is emptied
within the call, but for the one task that is about the cache. What a call returns is dropped at
once, so that an interned result is built anew.
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
AGAIN = "parse, medium, again"


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
CALL, FIRST, READY = "scalar call", "first value from text", "text to compiled value"
ROOT, ROOT_TEXT = "Kepler root, scalar", "E - 0.6*sin(E) = 1"
TASKS = (
    *(*TEXTS, AGAIN, *DERIVATIVES, GRADIENT, HESSIAN, COMPILE, EVALUATE),
    *(CALL, FIRST, READY, ROOT),
)


def flux(task: str) -> Call:
    """`flux.parse`, `diff`, `gradient`, `compile`, and calls of what that gives."""
    import flux
    from flux.expr.build import apply, variable
    from flux.ops import Op
    from flux.syntax import _parse

    if task in TEXTS:
        text = TEXTS[task]
        return lambda: (_parse.cache_clear(), flux.parse(text))
    if task == AGAIN:
        return lambda: flux.parse(MEDIUM)
    if task == FIRST:
        return lambda: (_parse.cache_clear(), flux.evaluate(SCALAR, x=1.0, y=2.0))[1]
    if task == READY:
        return lambda: (_parse.cache_clear(), flux.compile(SCALAR)(1.0, 2.0))[1]
    if task == ROOT:
        return lambda: flux.solve(ROOT_TEXT, E=1.0).root
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
    if task == AGAIN:
        return lambda: sp.sympify(MEDIUM)
    if task in (CALL, FIRST, READY):
        return _sympy_values(task)
    if task == ROOT:
        unknown = sp.Symbol("E")
        return lambda: sp.nsolve(unknown - 0.6 * sp.sin(unknown) - 1, unknown, 1.0)
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


def _sympy_values(task: str) -> Call:
    import sympy as sp
    from sympy.core.cache import clear_cache

    x, y = sp.symbols("x y")
    if task == FIRST:
        return lambda: (clear_cache(), float(sp.sympify(SCALAR).evalf(subs={x: 1.0, y: 2.0})))[1]
    if task == READY:
        return lambda: (clear_cache(), sp.lambdify((x, y), sp.sympify(SCALAR), "math")(1.0, 2.0))[1]
    f = sp.lambdify((x, y), sp.sympify(SCALAR), "math")
    return lambda: f(1.0, 2.0)


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
    if task == AGAIN:
        return lambda: se.sympify(MEDIUM)
    if task == FIRST:
        at = dict(zip(se.symbols("x y"), (1.0, 2.0), strict=True))
        return lambda: float(se.sympify(SCALAR).subs(at))
    if task == READY:
        xy = se.symbols("x y")
        return lambda: se.Lambdify(xy, [se.sympify(SCALAR)], backend="llvm")((1.0, 2.0))[0]
    if task == CALL:
        f = se.Lambdify(se.symbols("x y"), [se.sympify(SCALAR)], backend="llvm")
        return lambda: f((1.0, 2.0))[0]
    if task == ROOT:
        raise NotImplementedError("SymEngine finds no roots by numbers")
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

    if task in (*TEXTS, AGAIN, FIRST, READY):
        raise NotImplementedError("CasADi reads no text")
    if task == ROOT:
        unknown = ca.SX.sym("E")
        residual = {"x": unknown, "g": unknown - 0.6 * ca.sin(unknown) - 1}
        find = ca.rootfinder("find", "newton", residual)
        return lambda: float(find(1.0, 0.0))
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
    names = {"sin": math.sin, "exp": math.exp}
    if task == CALL:
        f = eval(f"lambda x, y: {SCALAR}", names)
        return lambda: f(1.0, 2.0)
    if task == FIRST:
        return lambda: eval(SCALAR, names, {"x": 1.0, "y": 2.0})
    if task == READY:
        return lambda: eval(f"lambda x, y: {SCALAR}", names)(1.0, 2.0)
    if task == ROOT:
        return _newton
    raise NotImplementedError("Python does no algebra")


def _newton() -> float:
    """Newton's method, typed for the one equation."""
    x = 1.0
    for _ in range(50):
        step = (x - 0.6 * math.sin(x) - 1.0) / (1.0 - 0.6 * math.cos(x))
        x -= step
        if abs(step) < 1e-12:
            break
    return x


def numexpr(task: str) -> Call:
    """numexpr: it reads a text and compiles it for its own machine in one step."""
    from numexpr.necompiler import NumExpr, double

    if task in TEXTS or task == AGAIN:
        text = TEXTS.get(task, MEDIUM)
        if text is LONG:
            raise NotImplementedError("numexpr's compiler recurses, and not so far")
        return lambda: NumExpr(text, [("a", double), ("b", double)])
    signature = [("x", double), ("y", double)]
    if task in (FIRST, READY):
        return lambda: float(NumExpr(SCALAR, signature)(1.0, 2.0))
    if task == CALL:
        f = NumExpr(SCALAR, signature)
        return lambda: float(f(1.0, 2.0))
    raise NotImplementedError("numexpr does no algebra")


def scipy(task: str) -> Call:
    """SciPy's scalar Newton, with formula and derivative typed in Python."""
    from scipy.optimize import newton

    if task != ROOT:
        raise NotImplementedError("SciPy reads no formulas")
    return lambda: newton(
        lambda x: x - 0.6 * math.sin(x) - 1.0, 1.0, lambda x: 1.0 - 0.6 * math.cos(x), tol=1e-12
    )


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
    "numexpr": numexpr,
    "scipy": scipy,
}
# Longer than twenty seconds for one call.
TOO_LONG = frozenset({("sympy", "derivative, composition of 50")})
