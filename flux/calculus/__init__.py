"""The calculus of expressions: derivatives, and what rests on them."""

from flux.calculus.adjoint import gradient, traced_gradient, vjp
from flux.calculus.differentiate import diff, jvp
from flux.calculus.equal import Equality, Verdict, equal
from flux.calculus.simplify import simplify
from flux.calculus.substitute import subs

__all__ = [
    "Equality",
    "Verdict",
    "diff",
    "equal",
    "gradient",
    "jvp",
    "simplify",
    "subs",
    "traced_gradient",
    "vjp",
]
