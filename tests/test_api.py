"""The front door: what is public, and what it says to arguments of another kind."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import flux
from flux.errors import ArgumentError, FluxError

PUBLIC = {
    "Association",
    "CompiledFunction",
    "Digits",
    "Expr",
    "Fit",
    "FluxError",
    "Interval",
    "Minimum",
    "Model",
    "Module",
    "OdeSolution",
    "Propagation",
    "Scorer",
    "Scores",
    "Solution",
    "SystemSolution",
    "Trainer",
    "__version__",
    "all_roots",
    "assoc",
    "check_precision",
    "compile",
    "equal",
    "evaluate",
    "fit",
    "from_sympy",
    "implicit",
    "integrate",
    "integrate_ode",
    "interval",
    "jacobian",
    "limit",
    "load",
    "load_text",
    "maximize",
    "minimize",
    "open_cohort",
    "parse",
    "product",
    "propagate",
    "prs",
    "score",
    "scorer",
    "simpson",
    "solve",
    "solve_exactly",
    "solve_system",
    "summation",
    "trapezoid",
}

TEXT = """
f(x) = x^2
layer scaled[d](x[d]):
    param w[d] = 1
    w*x
model m[d](x[b, d]):
    loss = mean[b, d](scaled(x)^2)
"""
E = flux.parse("x^2 + y")
MODULE = flux.load_text(TEXT)
BATCH = {"x": np.ones((3, 2))}
DATA = {"x": [1.0, 2.0, 3.0], "y": [2.0, 4.0, 7.0]}


def made() -> flux.Model:
    return flux.Model(MODULE["m"].build(), {"d": 2})


def test_the_public_names_are_these_and_work() -> None:
    assert set(flux.__all__) == PUBLIC
    assert all(callable(getattr(flux, name)) for name in PUBLIC if name != "__version__")
    assert dir(flux) == sorted(PUBLIC)


def test_everything_public_has_a_docstring() -> None:
    for name in PUBLIC:
        value = getattr(flux, name)
        assert value.__doc__
        for part, method in vars(value).items() if isinstance(value, type) else ():
            assert part.startswith("_") or getattr(method, "__doc__", None) or name == "Expr", part


WRONG: list[tuple[str, Callable[[], Any]]] = [
    ("compile None", lambda: flux.compile(None)),  # type: ignore[arg-type]
    ("compile a list", lambda: flux.compile(["x"])),  # type: ignore[arg-type]
    ("compile a dictionary of numbers", lambda: flux.compile({"a": 3})),  # type: ignore[dict-item]
    ("evaluate None", lambda: flux.evaluate(None)),  # type: ignore[arg-type]
    ("evaluate with a list", lambda: flux.evaluate("a", [1])),  # type: ignore[arg-type]
    ("parse bytes", lambda: flux.parse(b"x")),  # type: ignore[arg-type]
    ("load None", lambda: flux.load(None)),  # type: ignore[arg-type]
    ("load a folder", lambda: flux.load(Path(__file__).parent)),
    ("differentiate by None", lambda: E.diff(None)),  # type: ignore[arg-type]
    ("a gradient by a text", lambda: E.gradient("x")),
    ("substitute None", lambda: E.subs(x=None)),
    ("add a text", lambda: E + "a"),  # type: ignore[operator]
    ("add None", lambda: E + None),  # type: ignore[operator]
    ("add a fraction", lambda: E + Fraction(1, 3)),  # type: ignore[operator]
    ("multiply an array", lambda: np.ones(3) * E),
    ("a truth value", lambda: bool(E)),
    ("solve_system None", lambda: flux.solve_system(None)),  # type: ignore[arg-type]
    ("solve_system with a list", lambda: flux.solve_system(["x = 1"], [1])),
    ("solve_system from a text", lambda: flux.solve_system(["x = 1"], x="1")),
    ("solve_system for numbers", lambda: flux.solve_system(["x = 1"], x=1.0, unknowns=3)),
    ("solve_system by a list", lambda: flux.solve_system(["x = 1"], x=1.0, method=[3])),
    ("solve_system within a list", lambda: flux.solve_system(["x = 1"], x=1.0, bounds=[3])),
    ("solve_system of texts", lambda: flux.solve_system(["x = 1"], x=1.0, bounds={"x": "ab"})),
    ("solve_system of letters", lambda: flux.solve_system(["x = 1"], x=1.0, bounds={"x": "a"})),
    ("implicit None", lambda: flux.implicit(None, "x", 1)),  # type: ignore[arg-type]
    ("implicit for a number", lambda: flux.implicit("x = 1", 1, 1)),  # type: ignore[arg-type]
    ("implicit from a list", lambda: flux.implicit("x = 1", "x", [1])),  # type: ignore[arg-type]
    ("implicit in half", lambda: flux.implicit("x = 1", "x", 1, steps=0.5)),  # type: ignore[arg-type]
    ("integrate_ode None", lambda: flux.integrate_ode(None)),  # type: ignore[arg-type]
    ("integrate_ode of numbers", lambda: flux.integrate_ode({"x": [1]}, t=(0, 1), x=1)),  # type: ignore[dict-item]
    ("integrate_ode at texts", lambda: flux.integrate_ode({"x": "x"}, t=(0, 1), x=1, at="a")),
    ("integrate_ode from a text", lambda: flux.integrate_ode({"x": "x"}, t=("0", "1"), x=1)),
    ("trapezoid None", lambda: flux.trapezoid(None, None)),
    ("simpson of texts", lambda: flux.simpson(["a", "b"], [0, 1])),
    ("solve None", lambda: flux.solve(None)),
    ("solve with a list", lambda: flux.solve("x = 1", [1])),
    ("solve from a text", lambda: flux.solve("x = 1", x="1")),
    ("solve from None", lambda: flux.solve("x = 1", x=None)),
    ("solve for a number", lambda: flux.solve("x = 1", x=1.0, unknown=3)),
    ("solve for a list", lambda: flux.solve("x = 1", x=1.0, unknown=[3])),
    ("solve by a list", lambda: flux.solve("x = 1", x=1.0, method=[3])),
    ("solve with a complex tolerance", lambda: flux.solve("x = 1", x=1.0, tolerance=1j)),
    ("solve with a mapping of numbers", lambda: flux.solve("x = 1", {1: 2})),
    ("all roots of None", lambda: flux.all_roots(None)),
    ("all roots in a list", lambda: flux.all_roots("x = 1", x=[0, 3])),
    ("score None", lambda: flux.score(None, "y = x")),
    ("score a list", lambda: flux.score([1.0], "y = x")),
    ("score by a number", lambda: flux.score(DATA, 3)),  # type: ignore[arg-type]
    ("score with a text of ranges", lambda: flux.score(DATA, "z = x", ranges={"x": "0..1"})),  # type: ignore[dict-item]
    ("score with half a thread", lambda: flux.score(DATA, "z = x", threads=0.5)),  # type: ignore[arg-type]
    ("score with a number for a flag", lambda: flux.score(DATA, "z = x", flag=3)),  # type: ignore[arg-type]
    ("score and keep a number", lambda: flux.score(DATA, "z = x", keep=[3])),  # type: ignore[list-item]
    ("score names that are numbers", lambda: flux.score(DATA, "z = x", names=[3])),  # type: ignore[list-item]
    ("fit None", lambda: flux.fit(None, DATA)),  # type: ignore[arg-type]
    ("fit to a list", lambda: flux.fit("y = a*x", [1.0, 2.0], a=1.0)),
    ("fit to None", lambda: flux.fit("y = a*x", None, a=1.0)),
    ("fit from a text", lambda: flux.fit("y = a*x", DATA, a="1")),
    ("fit from nothing", lambda: flux.fit("y = a*x", DATA)),
    ("fit with a mapping of numbers", lambda: flux.fit("y = a*x", DATA, {1: 2})),
    ("fit with bounds of a text", lambda: flux.fit("y = a*x", DATA, a=1.0, bounds={"a": "0..1"})),
    ("fit with a list of weights", lambda: flux.fit("y = a*x", DATA, a=1.0, weights=["1", "2"])),
    ("fit by a list", lambda: flux.fit("y = a*x", DATA, a=1.0, loss=[1])),
    ("fit from half a start", lambda: flux.fit("y = a*x", DATA, a=1.0, starts=0.5)),
    ("fit with a number for groups", lambda: flux.fit("y = a*x", DATA, a=1.0, groups=3)),
    ("a Jacobian of a text", lambda: flux.jacobian("x", ["x"])),
    ("a Hessian by a text", lambda: E.hessian("x")),
    ("a product by a list", lambda: E.hvp(["x"])),  # type: ignore[arg-type]
    ("collect None", lambda: E.collect(None)),  # type: ignore[arg-type]
    ("C of no name", lambda: E.to_c("")),
    ("Python of a number", lambda: E.to_python(3)),  # type: ignore[arg-type]
    ("exact roots of None", lambda: flux.solve_exactly(None)),  # type: ignore[arg-type]
    ("exact roots by a number", lambda: flux.solve_exactly("x = 1", 3)),  # type: ignore[arg-type]
    ("a limit by None", lambda: flux.limit(E, None, 0)),  # type: ignore[arg-type]
    ("a sum to None", lambda: flux.summation("k", "k", 1, None)),  # type: ignore[arg-type]
    ("a product of None", lambda: flux.product(None, "k", 1, 2)),  # type: ignore[arg-type]
    ("equal to None", lambda: flux.equal(E, None)),  # type: ignore[arg-type]
    ("a function of a text", lambda: MODULE["f"]("x")),  # type: ignore[arg-type]
    ("a definition named None", lambda: MODULE[None]),  # type: ignore[index]
    ("a model of None", lambda: flux.Model(None, {})),  # type: ignore[arg-type]
    ("a model of a definition", lambda: flux.Model(MODULE["m"], {})),  # type: ignore[arg-type]
    ("an unknown parameter", lambda: made().parameters["w"]),
    ("half a step", lambda: flux.Trainer(made(), data=BATCH).run(2.5)),  # type: ignore[arg-type]
    ("fewer than no steps", lambda: flux.Trainer(made(), data=BATCH).run(-1)),
    ("an unknown option", lambda: flux.Trainer(made(), data=BATCH, lr=0.1)),
    ("save nowhere", lambda: made().save("no/folder/model.safetensors")),
]


@pytest.mark.parametrize(("what", "call"), WRONG, ids=[what for what, _ in WRONG])
def test_every_mistake_is_a_flux_error(what: str, call: Callable[[], Any]) -> None:
    with pytest.raises(FluxError) as caught:
        call()
    assert caught.value.text


def test_a_mapping_of_parameters_asks_and_gets() -> None:
    parameters = made().parameters
    assert "scaled.w" in parameters
    assert "w" not in parameters
    assert parameters.get("w") is None
    with pytest.raises(FluxError) as caught:
        parameters["scaled.v"]
    assert caught.value.hint == "did you mean `scaled.w`?"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (np.float64(0.1), "0.1"),
        (np.float32(0.5), "0.5"),
        (np.int64(7), "7"),
        (np.uint8(7), "7"),
        (np.float32(-2.5), "-2.5"),
    ],
)
def test_numbers_of_numpy_are_numbers(number: Any, text: str) -> None:
    x = flux.parse("x")
    assert x * number is flux.parse(f"x*({text})")
    assert number * x is flux.parse(f"({text})*x")


def test_an_array_is_no_operand() -> None:
    with pytest.raises(ArgumentError, match="not ndarray"):
        E * np.ones(3)  # type: ignore[operator]
