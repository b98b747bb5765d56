"""Numbers from expressions: roots of equations, minima, and definite integrals."""

from flux.numeric.integral import integrate
from flux.numeric.interval import all_roots
from flux.numeric.minimise import maximize, minimize
from flux.numeric.minimum import Ending, Minimum
from flux.numeric.root import solve
from flux.numeric.solution import Reason, Solution

__all__ = [
    "Ending",
    "Minimum",
    "Reason",
    "Solution",
    "all_roots",
    "integrate",
    "maximize",
    "minimize",
    "solve",
]
