"""Ball arithmetic by python-flint where it is installed: every error bound is proved.

Arb's functions return a midpoint and a radius that is known to cover rounding and truncation; the
radius takes the place of the margin that `flux.precision.multiple` allows for mpmath. What Arb's
Python interface lacks (polygamma of orders above 0) comes from there.

Source:
    Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic,
    IEEE Transactions on Computers 66 (2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from flux.errors import ArgumentError
from flux.ops import Op
from flux.precision.bounds import INF, Arithmetic, Pair
from flux.precision.multiple import Multiple, Raw, too_many_bits, within_range
from flux.settings import current

_EXTRA_BITS = 16

# The most bits at which a function of Arb takes well under a second, and of all others.
_MOST_BITS = {Op.GAMMA: 60_000, Op.ERF: 200_000, Op.ERFC: 200_000}
_OTHERS_BITS = 1_500_000


def arithmetic(bits: int) -> Arithmetic:
    """Numbers of so many bits: Arb's where python-flint is installed, else mpmath's.

    Raises:
        ArgumentError: the setting `arithmetic` asks for what is not installed.
    """
    wanted = current().arithmetic
    if wanted not in ("auto", "arb", "mpmath"):
        raise ArgumentError(f"setting arithmetic is auto, arb or mpmath, not {wanted!r}")
    if wanted == "mpmath" or (wanted == "auto" and _flint() is None):
        return Multiple(bits)
    if _flint() is None:
        raise ArgumentError(
            "the setting arithmetic is arb, and python-flint is not installed",
            hint='pip install "fluxparser[arb]"',
        )
    return Balls(bits)


@cache
def _flint() -> ModuleType | None:
    try:
        import flint
    except ImportError:
        return None
    module: ModuleType = flint
    return module


_FUNCTIONS: Mapping[Op, Callable[..., Any]] = {
    Op.EXP: lambda x: x.exp(),
    Op.EXPM1: lambda x: x.expm1(),
    Op.LOG: lambda x: x.log(),
    Op.LOG1P: lambda x: x.log1p(),
    Op.LOG2: lambda x: x.log() / x.const_log2(),
    Op.LOG10: lambda x: x.log() / x.const_log10(),
    Op.CBRT: lambda x: x.root(3) if x >= 0 else -((-x).root(3)),
    Op.SIN: lambda x: x.sin(),
    Op.COS: lambda x: x.cos(),
    Op.TAN: lambda x: x.tan(),
    Op.ASIN: lambda x: x.asin(),
    Op.ACOS: lambda x: x.acos(),
    Op.ATAN: lambda x: x.atan(),
    Op.ATAN2: lambda y, x: type(y).atan2(y, x),
    Op.SINH: lambda x: x.sinh(),
    Op.COSH: lambda x: x.cosh(),
    Op.TANH: lambda x: x.tanh(),
    Op.ASINH: lambda x: x.asinh(),
    Op.ACOSH: lambda x: x.acosh(),
    Op.ATANH: lambda x: x.atanh(),
    Op.HYPOT: lambda x, y: (x * x + y * y).sqrt(),
    Op.ERF: lambda x: x.erf(),
    Op.ERFC: lambda x: x.erfc(),
    Op.GAMMA: lambda x: x.gamma(),
    Op.POW: lambda x, y: x**y,
}


class Balls(Multiple):
    """Arb's balls as an arithmetic of intervals, on the same numbers as mpmath's."""

    def function(self, op: Op, operands: list[Raw]) -> Pair:
        """The ends of Arb's ball."""
        if op not in _FUNCTIONS:
            return super().function(op, operands)
        most = _MOST_BITS.get(op, _OTHERS_BITS)
        if self.bits > most:
            raise too_many_bits(op, most)
        module = _flint()
        assert module is not None
        before = module.ctx.prec
        try:
            for bits in (self.bits + _EXTRA_BITS, 2 * self.bits + 100, 6 * self.bits + 400):
                module.ctx.prec = bits
                ball = _FUNCTIONS[op](*(module.arb(_signed(x)) for x in operands))
                if ball.rel_accuracy_bits() > self.bits:
                    break  # beside a pole or a zero, Arb's first ball is wide
            return _ends(ball)
        finally:
            module.ctx.prec = before


def _signed(x: Raw) -> tuple[int, int]:
    return (-int(x[1]) if x[0] else int(x[1])), int(x[2])


def _ends(ball: Any) -> Pair:
    if not ball.is_finite():
        return -INF, INF
    low, high = (_from_arb(end) for end in (ball.lower(), ball.upper()))
    return within_range(low, high)


def _from_arb(x: Any) -> Raw:
    from mpmath import libmp

    mantissa, exponent = x.man_exp()
    return libmp.from_man_exp(int(mantissa), int(exponent))
