"""The nonlinear equations of Moré, Garbow and Hillstrom, written as formulas.

Each is a list of texts in the unknowns x1, x2, ..., xn, and the standard start. The facts are those
of the paper: roots, and sums of squares where there is none.

Source:
    Moré, Garbow and Hillstrom, Testing Unconstrained Optimization Software (1981), ACM Transactions
    on Mathematical Software 7, 17-41; section 3 numbers the functions. The systems with as many
    equations as unknowns, their dimensions and the starts 1, 10 and 100 times the standard one are
    those of the set that MINPACK's HYBRJ is tested on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Texts = list[str]
Start = list[float]


@dataclass(frozen=True)
class Case:
    """A system with n equations, and how its start is made."""

    name: str
    equations: Texts
    start: Start


def _sum(terms: Iterator[str] | list[str]) -> str:
    return " + ".join(terms) or "0"


def _x(n: int) -> list[str]:
    return [f"x{j}" for j in range(1, n + 1)]


def rosenbrock(_n: int = 2) -> tuple[Texts, Start]:
    """Function 1: root (1, 1)."""
    return ["10*(x2 - x1^2)", "1 - x1"], [-1.2, 1.0]


def powell_singular(_n: int = 4) -> tuple[Texts, Start]:
    """Function 13: root 0, where the Jacobian is singular."""
    texts = ["x1 + 10*x2", "sqrt(5)*(x3 - x4)", "(x2 - 2*x3)^2", "sqrt(10)*(x1 - x4)^2"]
    return texts, [3.0, -1.0, 0.0, 1.0]


def powell_badly_scaled(_n: int = 2) -> tuple[Texts, Start]:
    """Function 3: root (1.098...e-5, 9.106...)."""
    return ["1e4*x1*x2 = 1", "exp(-x1) + exp(-x2) = 1.0001"], [0.0, 1.0]


def wood(_n: int = 4) -> tuple[Texts, Start]:
    """Function 14, its gradient: root (1, 1, 1, 1)."""
    texts = [
        "-200*x1*(x2 - x1^2) - (1 - x1)",
        "200*(x2 - x1^2) + 20.2*(x2 - 1) + 19.8*(x4 - 1)",
        "-180*x3*(x4 - x3^2) - (1 - x3)",
        "180*(x4 - x3^2) + 20.2*(x4 - 1) + 19.8*(x2 - 1)",
    ]
    return texts, [-3.0, -1.0, -3.0, -1.0]


def helical_valley(_n: int = 3) -> tuple[Texts, Start]:
    """Function 7: root (1, 0, 0)."""
    angle = "where(x1 > 0, atan(x2/x1)/(2*pi), where(x1 < 0, atan(x2/x1)/(2*pi) + 0.5, "
    angle += "where(x2 < 0, -0.25, 0.25)))"
    texts = [f"10*(x3 - 10*({angle}))", "10*(sqrt(x1^2 + x2^2) - 1)", "x3"]
    return texts, [-1.0, 0.0, 0.0]


def watson(n: int) -> tuple[Texts, Start]:
    """Function 20, the gradient of half its sum of squares."""
    texts = []
    parts = []
    for i in range(1, 30):
        t = f"({i}/29)"
        slope = _sum([f"{j - 1}*{t}^{j - 2}*x{j}" for j in range(2, n + 1)])
        value = _sum([f"{t}^{j - 1}*x{j}" for j in range(1, n + 1)])
        parts.append((t, value, f"({slope} - ({value})^2 - 1)"))
    for k in range(1, n + 1):
        terms = [f"({k - 1}*{t}^({k - 2}) - 2*({value})*{t}^{k - 1})*{f}" for t, value, f in parts]
        extra = {1: "x1 + (x2 - x1^2 - 1)*(-2*x1)", 2: "x2 - x1^2 - 1"}
        texts.append(_sum([*terms, extra[k]] if k in extra else terms))
    return texts, [0.0] * n


def chebyquad(n: int) -> tuple[Texts, Start]:
    """Function 35: roots for n from 1 to 7 and 9; none for 8, where 3.51687...e-3 is least."""
    texts = []
    for i in range(1, n + 1):
        values = _sum([_chebyshev(i, f"(2*{x} - 1)") for x in _x(n)])
        texts.append(f"({values})/{n} = {0 if i % 2 else f'-1/{i * i - 1}'}")
    return texts, [j / (n + 1) for j in range(1, n + 1)]


def _chebyshev(degree: int, t: str) -> str:
    before, here = [1], [0, 1]
    for _ in range(degree - 1):
        twice = [0, *(2 * c for c in here)]
        before, here = (
            here,
            [c - (before[k] if k < len(before) else 0) for k, c in enumerate(twice)],
        )
    return "(" + _sum([f"({c})*{t}^{k}" for k, c in enumerate(here) if c]) + ")"


def brown_almost_linear(n: int) -> tuple[Texts, Start]:
    """Function 27: roots with x1 = ... = x(n-1), (1, ..., 1) among them."""
    total = _sum(_x(n))
    texts = [f"{x} + {total} = {n + 1}" for x in _x(n)[:-1]]
    return [*texts, f"{'*'.join(_x(n))} = 1"], [0.5] * n


def discrete_boundary_value(n: int) -> tuple[Texts, Start]:
    """Function 28."""
    h = f"(1/{n + 1})"
    around = ["0", *_x(n), "0"]
    texts = [
        f"2*{x} - {around[k - 1]} - {around[k + 1]} + {h}^2*({x} + {k}*{h} + 1)^3/2"
        for k, x in enumerate(_x(n), 1)
    ]
    return texts, [t * (t - 1) for t in (k / (n + 1) for k in range(1, n + 1))]


def discrete_integral(n: int) -> tuple[Texts, Start]:
    """Function 29: the same root as that of function 28 to the order of h^2."""
    h = f"(1/{n + 1})"
    cubes = [f"(x{j} + {j}*{h} + 1)^3" for j in range(1, n + 1)]
    texts = []
    for i in range(1, n + 1):
        t = f"({i}*{h})"
        left = _sum([f"{j}*{h}*{cubes[j - 1]}" for j in range(1, i + 1)])
        right = _sum([f"(1 - {j}*{h})*{cubes[j - 1]}" for j in range(i + 1, n + 1)])
        texts.append(f"x{i} + {h}*((1 - {t})*({left}) + {t}*({right}))/2")
    return texts, [t * (t - 1) for t in (k / (n + 1) for k in range(1, n + 1))]


def trigonometric(n: int) -> tuple[Texts, Start]:
    """Function 26."""
    cosines = _sum([f"cos({x})" for x in _x(n)])
    texts = [f"{n} - ({cosines}) + {i}*(1 - cos(x{i})) - sin(x{i})" for i in range(1, n + 1)]
    return texts, [1 / n] * n


def variably_dimensioned(n: int) -> tuple[Texts, Start]:
    """Function 25, the gradient of half its sum of squares: root (1, ..., 1)."""
    total = _sum([f"{j}*({x} - 1)" for j, x in enumerate(_x(n), 1)])
    texts = [f"{x} - 1 + {k}*(({total}) + 2*({total})^3)" for k, x in enumerate(_x(n), 1)]
    return texts, [1 - j / n for j in range(1, n + 1)]


def broyden_tridiagonal(n: int) -> tuple[Texts, Start]:
    """Function 30."""
    around = ["0", *_x(n), "0"]
    texts = [
        f"(3 - 2*{x})*{x} - {around[k - 1]} - 2*{around[k + 1]} + 1" for k, x in enumerate(_x(n), 1)
    ]
    return texts, [-1.0] * n


def broyden_banded(n: int) -> tuple[Texts, Start]:
    """Function 31."""
    texts = []
    for i in range(1, n + 1):
        near = [j for j in range(max(1, i - 5), min(n, i + 1) + 1) if j != i]
        band = _sum([f"x{j}*(1 + x{j})" for j in near])
        texts.append(f"x{i}*(2 + 5*x{i}^2) + 1 - ({band})")
    return texts, [-1.0] * n


# Function: the numbers of unknowns, each with how many of the starts 1, 10, 100 times the standard.
SET: tuple[tuple[Callable[[int], tuple[Texts, Start]], tuple[tuple[int, int], ...]], ...] = (
    (rosenbrock, ((2, 3),)),
    (powell_singular, ((4, 3),)),
    (powell_badly_scaled, ((2, 2),)),
    (wood, ((4, 3),)),
    (helical_valley, ((3, 3),)),
    (watson, ((6, 2), (9, 2))),
    (chebyquad, ((5, 3), (6, 3), (7, 3), (8, 1), (9, 1))),
    (brown_almost_linear, ((10, 3), (30, 1), (40, 1))),
    (discrete_boundary_value, ((10, 3),)),
    (discrete_integral, ((1, 3), (10, 3))),
    (trigonometric, ((10, 3),)),
    (variably_dimensioned, ((10, 3),)),
    (broyden_tridiagonal, ((10, 3),)),
    (broyden_banded, ((10, 3),)),
)


def cases() -> Iterator[Case]:
    """All of the set, 55 systems with their starts."""
    for function, sizes in SET:
        for n, starts in sizes:
            texts, start = function(n)
            for factor in (1, 10, 100)[:starts]:
                # A start of 0 is no start 10 times as far; the set then takes the factor itself.
                far = [factor * x for x in start] if any(start) else [float(factor)] * n
                yield Case(
                    f"{function.__name__}-{n}-{factor}", texts, start if factor == 1 else far
                )
