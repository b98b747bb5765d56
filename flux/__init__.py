"""Flux: mathematics in; gradients, kernels and trained models out.

```python
import flux
flux.evaluate("a + b*2", a=5, b=10)        # 25.0
e = flux.parse("sin(x)*exp(-x)")           # an expression
e.diff("x")                                # its derivative, an expression again
f = flux.compile(e)                        # a function of numbers, arrays and tables
flux.solve("x^3 - 2*x = 5", x=2.0)         # its root, by Newton's method with the exact derivative
m = flux.load("transformer.flux")          # functions, layers and models by name
```
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flux.errors import FluxError
from flux.expr import Expr, provide

if TYPE_CHECKING:
    from flux.calculus.equal import equal
    from flux.calculus.jacobian import jacobian
    from flux.calculus.limits import limit, product, summation
    from flux.calculus.sympy_reader import from_sympy
    from flux.compiled import CompiledFunction
    from flux.compiler import compile, evaluate
    from flux.genotypes import Association, Scores, assoc, open_cohort, prs
    from flux.nn import Model
    from flux.numeric import (
        Minimum,
        OdeSolution,
        Propagation,
        Solution,
        SystemSolution,
        all_roots,
        implicit,
        integrate_ode,
        maximize,
        minimize,
        propagate,
        simpson,
        solve,
        solve_system,
        trapezoid,
    )
    from flux.numeric.exact import solve_exactly
    from flux.numeric.fitting import Fit, fit
    from flux.numeric.integral import integrate
    from flux.precision import Digits, Interval, check_precision, interval
    from flux.scoring import Scorer, score, scorer
    from flux.syntax import load, load_text, parse
    from flux.syntax.module import Module
    from flux.training.trainer import Trainer

__version__ = "0.1.0"

# Public name: the module that has it. They are imported when first used, so that `import flux` is
# quick and a script pays for what it uses.
_HOMES = {
    "Association": "flux.genotypes",
    "CompiledFunction": "flux.compiled",
    "Digits": "flux.precision",
    "Fit": "flux.numeric.fitting",
    "Interval": "flux.precision",
    "Minimum": "flux.numeric",
    "Model": "flux.nn",
    "Module": "flux.syntax.module",
    "OdeSolution": "flux.numeric",
    "Propagation": "flux.numeric",
    "Scorer": "flux.scoring",
    "Scores": "flux.genotypes",
    "Solution": "flux.numeric",
    "SystemSolution": "flux.numeric",
    "Trainer": "flux.training.trainer",
    "all_roots": "flux.numeric",
    "assoc": "flux.genotypes",
    "check_precision": "flux.precision",
    "compile": "flux.compiler",
    "equal": "flux.calculus.equal",
    "evaluate": "flux.compiler",
    "fit": "flux.numeric.fitting",
    "from_sympy": "flux.calculus.sympy_reader",
    "implicit": "flux.numeric",
    "integrate": "flux.numeric.integral",
    "integrate_ode": "flux.numeric",
    "interval": "flux.precision",
    "jacobian": "flux.calculus.jacobian",
    "limit": "flux.calculus.limits",
    "load": "flux.syntax",
    "load_text": "flux.syntax",
    "maximize": "flux.numeric",
    "minimize": "flux.numeric",
    "open_cohort": "flux.genotypes",
    "parse": "flux.syntax",
    "product": "flux.calculus.limits",
    "propagate": "flux.numeric",
    "prs": "flux.genotypes",
    "score": "flux.scoring",
    "scorer": "flux.scoring",
    "simpson": "flux.numeric",
    "solve": "flux.numeric",
    "solve_exactly": "flux.numeric.exact",
    "solve_system": "flux.numeric",
    "summation": "flux.calculus.limits",
    "trapezoid": "flux.numeric",
}

__all__ = [
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
]


def __getattr__(name: str) -> Any:
    if name == "formulas":  # the library of formulas is a module, and no public name
        return import_module("flux.formulas")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'flux' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _late(home: str, name: str) -> Callable[..., Any]:
    """A function that is imported when it is first called."""

    def call(*args: Any, **options: Any) -> Any:
        return getattr(import_module(home), name)(*args, **options)

    return call


# What stands behind the methods of an expression.
provide("collect", _late("flux.calculus.expand", "collect"))
provide("digits", _late("flux.precision", "evaluate_digits"))
provide("interval", _late("flux.precision", "interval"))
provide("diff", _late("flux.calculus", "diff"))
provide("domain", _late("flux.calculus.domain", "domain"))
provide("expand", _late("flux.calculus.expand", "expand"))
provide("factor", _late("flux.calculus.factor", "factor"))
provide("gradient", _late("flux.calculus", "gradient"))
provide("hessian", _late("flux.calculus.jacobian", "hessian"))
provide("hvp", _late("flux.calculus.jacobian", "hvp"))
provide("integrate", _late("flux.numeric.integral", "integrate"))
provide("is_constant", _late("flux.calculus.constancy", "is_constant"))
provide("jacobian", _late("flux.calculus.jacobian", "jacobian"))
provide("jvp", _late("flux.calculus.jacobian", "along"))
provide("limit", _late("flux.calculus.limits", "limit"))
provide("root", _late("flux.calculus.implicit", "root"))
provide("series", _late("flux.calculus.series", "series"))
provide("simplify", _late("flux.calculus", "simplify"))
provide("subs", _late("flux.calculus.substitute", "subs"))
provide("to_sympy", _late("flux.calculus.sympy_bridge", "to_sympy"))
provide("vjp", _late("flux.calculus.jacobian", "back"))
provide("parse", _late("flux.syntax", "parse"))
