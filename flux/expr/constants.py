"""The float64 that a constant means when it is evaluated."""

from __future__ import annotations

import math

from flux.expr.node import Expr
from flux.ops import Op

_NAMED = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}


def constant_value(e: Expr) -> float:
    """The float64 nearest to a constant; inf where it is beyond the largest one."""
    assert e.op is Op.CONSTANT
    kind, value = e.attributes
    if kind == "named":
        return _NAMED[value]
    try:
        return float(value)
    except OverflowError:  # an int; a Decimal becomes inf by itself
        return math.inf
