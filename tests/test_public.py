"""The public names: listed here, importable, callable, documented, and none is also a module."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import flux
from tests.reliability.bounds import PATIENCE_S

# Scripts outside rely on these; more may join, and these keep their meaning.
PUBLIC = [
    "Association",
    "CompiledFunction",
    "Digits",
    "Expr",
    "Fit",
    "FluxError",
    "Interval",
    "Minimum",
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
    "jacobian",
    "limit",
    "integrate_ode",
    "interval",
    "load",
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
    "summation",
    "solve_system",
    "trapezoid",
]


def modules():
    found = pkgutil.walk_packages(flux.__path__, "flux.")
    return [m.name for m in found if not m.name.endswith("__main__")]


def test_the_public_names_are_listed():
    assert sorted(flux.__all__) == sorted(set(flux.__all__))
    assert set(PUBLIC) <= set(flux.__all__)
    assert sorted(dir(flux)) == sorted(flux.__all__)


@pytest.mark.parametrize("name", flux.__all__)
def test_every_public_name_is_there_and_explained(name):
    value = getattr(flux, name)
    if name == "__version__":
        assert value.count(".") == 2
        return
    assert callable(value)
    assert inspect.getdoc(value)


@pytest.mark.parametrize("name", modules())
def test_every_module_is_imported_alone_and_explained(name):
    module = importlib.import_module(name)
    assert module.__doc__


def test_after_importing_every_module_the_public_names_are_still_what_they_were():
    for name in modules():
        importlib.import_module(name)
    parts = {name.split(".")[1] for name in modules()}
    assert parts.isdisjoint(flux.__all__)
    for name in set(flux.__all__) - {"__version__"}:
        assert callable(getattr(flux, name))


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'numbers'"):
        _ = flux.numbers


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S
    )
    return done.stdout.strip()


def test_importing_flux_imports_nothing_heavy():
    heavy = ["scipy", "sympy", "lark", "click", "rich", "numpy.testing"]
    found = run(f"import sys, flux; print([m for m in {heavy!r} if m in sys.modules])")
    assert found == "[]"


def test_the_methods_of_expressions_work_from_the_front_door_alone():
    code = """
import flux
e = flux.parse("sin(x)*y + x^2")
f = flux.compile(e.diff("x"))
print(f(x=0.0, y=2.0), e.subs(x="y + 1").evaluate(y=-1.0))
print(e.gradient(["x", "y"])[1], e.simplify(), e.to_latex())
"""
    first, second = run(code).splitlines()
    assert first == "2.0 0.0"
    assert second.startswith("sin(x) ")
    assert "sin" in second.split(" ", 1)[1]


def test_errors_pickle_and_are_flux_errors():
    import pickle

    with pytest.raises(flux.FluxError) as caught:
        flux.evaluate("1 +")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert (again.line, again.column) == (caught.value.line, caught.value.column)
