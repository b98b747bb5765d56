"""Numbers from expressions: the roots of equations by exact derivatives, and definite integrals."""

from flux.numeric.implicit_root import implicit
from flux.numeric.integral import integrate
from flux.numeric.interval import all_roots
from flux.numeric.ode import integrate_ode
from flux.numeric.ode_solution import OdeSolution
from flux.numeric.root import solve
from flux.numeric.solution import Reason, Solution
from flux.numeric.system import solve_system
from flux.numeric.system_solution import SystemSolution
from flux.numeric.table_quadrature import simpson, trapezoid

__all__ = [
    "OdeSolution",
    "Reason",
    "Solution",
    "SystemSolution",
    "all_roots",
    "implicit",
    "integrate",
    "integrate_ode",
    "simpson",
    "solve",
    "solve_system",
    "trapezoid",
]
