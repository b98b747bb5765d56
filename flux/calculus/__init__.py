"""The calculus of expressions: derivatives, and what rests on them."""

from flux.calculus.adjoint import gradient, vjp
from flux.calculus.differentiate import diff, jvp
from flux.calculus.simplify import simplify

__all__ = ["diff", "gradient", "jvp", "simplify", "vjp"]
