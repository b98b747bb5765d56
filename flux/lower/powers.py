"""Powers with a constant exponent, by multiplication, reciprocal and root instead of `pow`.

At most three roundings stand between `x^n` and the result for 0 < n <= 8, within the 4 ulp that
an operation may take. At the ends of the range they differ from `pow`: `x^0.5` is the root also at
-inf, where it is nan, and at -0, which keeps its sign; and `x^-n` is 0 where `x^n` is beyond the
largest number.
"""

from __future__ import annotations

from flux.lower.ir import Graph, Value

_LARGEST = 8


def power(graph: Graph, base: Value, exponent: float) -> Value | None:
    """Base ^ exponent by cheaper operations, or None where `pow` has to do it."""
    if exponent < 0:
        positive = power(graph, base, -exponent)
        return None if positive is None else graph.pointwise("reciprocal", positive)
    if exponent == 0.5:
        return graph.pointwise("sqrt", base)
    if not 1 <= exponent <= _LARGEST or exponent != int(exponent):
        return None
    return _integer(graph, base, int(exponent))


def _integer(graph: Graph, base: Value, exponent: int) -> Value:
    if exponent == 1:
        return base
    half = _integer(graph, base, exponent // 2)
    whole = graph.pointwise("square", half)
    return graph.pointwise("mul", whole, base) if exponent % 2 else whole
