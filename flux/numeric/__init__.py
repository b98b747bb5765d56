"""Numbers from expressions by exact derivatives: the roots of equations."""

from flux.numeric.interval import all_roots
from flux.numeric.root import solve
from flux.numeric.solution import Reason, Solution

__all__ = ["Reason", "Solution", "all_roots", "solve"]
