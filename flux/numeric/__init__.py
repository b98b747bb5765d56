"""Numbers from expressions: roots, minima, integrals, differential equations, uncertainty."""

from flux.numeric.implicit_root import implicit
from flux.numeric.integral import integrate
from flux.numeric.interval import all_roots
from flux.numeric.minimise import maximize, minimize
from flux.numeric.minimum import Ending, Minimum
from flux.numeric.ode import integrate_ode
from flux.numeric.ode_solution import OdeSolution
from flux.numeric.root import solve
from flux.numeric.solution import Reason, Solution
from flux.numeric.system import solve_system
from flux.numeric.system_solution import SystemSolution
from flux.numeric.table_quadrature import simpson, trapezoid
from flux.numeric.uncertainty import Propagation, propagate

__all__ = [
    "Ending",
    "Minimum",
    "OdeSolution",
    "Propagation",
    "Reason",
    "Solution",
    "SystemSolution",
    "all_roots",
    "implicit",
    "integrate",
    "integrate_ode",
    "maximize",
    "minimize",
    "propagate",
    "simpson",
    "solve",
    "solve_system",
    "trapezoid",
]
