"""Formulas over rows, a competitor each: Flux, NumPy typed and in blocks, numexpr, Numba, JAX.

A formula is one text that Python and Flux read alike. Whoever can write its result into a given
array does so; NumPy as typed and JAX make a fresh one for each call, as their users' programs do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Call = Callable[[], Any]


@dataclass(frozen=True)
class Formula:
    """A text, and the range of each of its inputs; a range of two whole numbers draws integers."""

    text: str
    ranges: Mapping[str, tuple[float, float]]


def _black_scholes() -> str:
    """A call option at a rate of 2.5% and a volatility of 20%; 0.045 = 0.025 + 0.2^2/2."""
    d1 = "((log(S/K) + 0.045*T)/(0.2*sqrt(T)))"
    normal = "0.5*(1 + erf({}*0.7071067811865476))"
    return f"S*{normal.format(d1)} - K*exp(-0.025*T)*{normal.format(f'({d1} - 0.2*sqrt(T))')}"


def _polynomial() -> str:
    """Degree 12, as typed: power by power."""
    terms = [f"{math.cos(1.3 * k) / (k + 1):.6f}*x**{k}" for k in range(2, 13)]
    return "1.0 + 0.133749*x + " + " + ".join(terms).replace("+ -", "- ")


# Inker et al., New England Journal of Medicine 385 (2021): creatinine, mg/dl; age, years.
_CKD_EPI = (
    "142*where(female > 0.5, minimum(creatinine/0.7, 1)**(-0.241), minimum(creatinine/0.9, 1)"
    "**(-0.302))*where(female > 0.5, maximum(creatinine/0.7, 1)**(-1.2), maximum(creatinine/0.9, 1)"
    "**(-1.2))*0.9938**age*where(female > 0.5, 1.012, 1)"
)

FORMULAS: Mapping[str, Formula] = {
    "2x + 3y": Formula("2*x + 3*y", {"x": (0.1, 6), "y": (-3, 3)}),
    "sin^2 + cos^2": Formula("sin(x)**2 + cos(x)**2", {"x": (-10, 10)}),
    "GELU": Formula("0.5*x*(1 + tanh(0.7978845608028654*(x + 0.044715*x**3)))", {"x": (-6, 6)}),
    "Black-Scholes": Formula(_black_scholes(), {"S": (50, 150), "K": (50, 150), "T": (0.1, 2)}),
    "Hill": Formula("0.1 + (1.9 - 0.1)/(1 + (x/3.7)**(-1.35))", {"x": (0.1, 6)}),
    "CKD-EPI": Formula(_CKD_EPI, {"female": (0, 1), "creatinine": (0.4, 4), "age": (18, 90)}),
    "polynomial": Formula(_polynomial(), {"x": (-1.1, 1.1)}),
}


def arrays(formula: str, dtype: str, rows: int) -> dict[str, Array]:
    """The same inputs for everybody."""
    random = np.random.default_rng(3)
    return {
        name: (random.uniform(low, high, rows) if name != "female" else random.integers(0, 2, rows))
        .astype(dtype)
        for name, (low, high) in FORMULAS[formula].ranges.items()
    }  # fmt: skip


def _python(formula: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """The text as a Python function of its inputs, in order."""
    row = FORMULAS[formula]
    found: Callable[..., Any] = eval(f"lambda {', '.join(row.ranges)}: {row.text}", dict(names))
    return found


def _numpy_names() -> dict[str, Any]:
    from scipy.special import erf

    taken = ("sin", "cos", "tanh", "exp", "log", "sqrt", "where", "minimum", "maximum")
    return {"erf": erf} | {name: getattr(np, name) for name in taken}


def flux(formula: str, dtype: str, rows: int) -> Call:
    """A compiled function with a place for its result."""
    import flux

    given, out = arrays(formula, dtype, rows), np.empty(rows, dtype)
    compiled = flux.compile(FORMULAS[formula].text)
    return lambda: compiled(given, out=out)


def numpy_typed(formula: str, dtype: str, rows: int) -> Call:
    """The formula typed into NumPy."""
    function = _python(formula, _numpy_names())
    given = list(arrays(formula, dtype, rows).values())
    return lambda: function(*given)


def numpy_in_blocks(formula: str, dtype: str, rows: int) -> Call:
    """NumPy by a hand that knows caches: typed, but over 8,192 rows at a time."""
    function, block = _python(formula, _numpy_names()), 8192
    given, out = list(arrays(formula, dtype, rows).values()), np.empty(rows, dtype)
    cuts = [slice(start, start + block) for start in range(0, rows, block)]
    parts = [(out[cut], [array[cut] for array in given]) for cut in cuts]

    def one() -> Array:
        for place, values in parts:
            place[...] = function(*values)
        return out

    return one


_FRACTION = re.compile(r"(?<![\w.])\d+\.\d+")


def numexpr(formula: str, dtype: str, rows: int) -> Call:
    """Its virtual machine; numbers are variables of the dtype, as it takes literals for float64."""
    import numexpr

    text, given = FORMULAS[formula].text, arrays(formula, dtype, rows)
    if "erf" in text:
        raise NotImplementedError("numexpr has no erf")
    numbers: dict[str, Any] = {}

    def named(match: re.Match[str]) -> str:
        name = f"c{len(numbers)}"
        numbers[name] = np.dtype(dtype).type(match.group())
        return name

    text = _FRACTION.sub(named, text) if dtype == "float32" else text
    out, taken = np.empty(rows, dtype), given | numbers
    return lambda: numexpr.evaluate(text, taken, {}, out=out, casting="unsafe")


def numba(formula: str, dtype: str, rows: int) -> Call:
    """A loop over rows, compiled with `fastmath`; numbers in the dtype."""
    import numba

    row, given = FORMULAS[formula], arrays(formula, dtype, rows)
    choose = numba.njit(inline="always")(lambda c, a, b: a if c else b)
    names: dict[str, Any] = {"where": choose, "minimum": min, "maximum": max, "real": np.float32}
    names |= {n: getattr(math, n) for n in ("sin", "cos", "tanh", "exp", "log", "sqrt", "erf")}
    text = row.text if dtype == "float64" else _FRACTION.sub(r"real(\g<0>)", row.text)
    one = eval(f"lambda {', '.join(row.ranges)}: {text}", names)
    each = numba.njit(inline="always", fastmath=True, error_model="numpy")(one)
    items = ", ".join(f"{name}[i]" for name in row.ranges)
    loop = {"each": each}
    exec(
        f"def loop({', '.join(row.ranges)}, out):\n"
        f"    for i in range(out.size):\n        out[i] = each({items})",
        loop,
    )
    compiled = numba.njit(fastmath=True, error_model="numpy")(loop["loop"])
    values, out = list(given.values()), np.empty(rows, dtype)

    def call() -> Array:
        compiled(*values, out)
        return out

    return call


def jax_jit(formula: str, dtype: str, rows: int) -> Call:
    """XLA; it waits for each result."""
    import jax

    jax.config.update("jax_enable_x64", dtype == "float64")
    taken = ("sin", "cos", "tanh", "exp", "log", "sqrt", "where", "minimum", "maximum")
    names = {name: getattr(jax.numpy, name) for name in taken}
    compiled = jax.jit(_python(formula, names | {"erf": jax.scipy.special.erf}))
    given = [jax.numpy.asarray(array) for array in arrays(formula, dtype, rows).values()]
    return lambda: compiled(*given).block_until_ready()


COMPETITORS: Mapping[str, Callable[..., Call]] = {
    "flux": flux,
    "numpy typed": numpy_typed,
    "numpy in blocks": numpy_in_blocks,
    "numexpr": numexpr,
    "numba": numba,
    "jax jit": jax_jit,
}
