"""Numbers from expressions: roots, minima, definite integrals, uncertainty."""

from flux.numeric.integral import integrate
from flux.numeric.interval import all_roots
from flux.numeric.minimise import maximize, minimize
from flux.numeric.minimum import Ending, Minimum
from flux.numeric.root import solve
from flux.numeric.solution import Reason, Solution
from flux.numeric.uncertainty import Propagation, propagate

__all__ = [
    "Ending",
    "Minimum",
    "Propagation",
    "Reason",
    "Solution",
    "all_roots",
    "integrate",
    "maximize",
    "minimize",
    "propagate",
    "solve",
]
