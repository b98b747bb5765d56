"""SymPy to expressions: node by node over a table of SymPy's classes.

The way back from `sympy_bridge`. What the language has no counterpart for (complex numbers, an
unevaluated integral, a Bessel function) is a FluxError that names it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache, reduce
from typing import Any

from flux.calculus.folding import ONE, ZERO, neg
from flux.calculus.sympy_bridge import sympy_module
from flux.errors import ArgumentError, DomainError, FluxError
from flux.expr import Expr, apply, constant, variable, where
from flux.ops import Op

Sympy = Any  # SymPy has no types
_LONG = 10**9  # denominators from here on are written as decimals where they are a power of ten
_DIGITS_A_BIT = 0.30103  # log10(2)
Reader = Callable[[Sympy, Sequence[Expr]], Expr]


def from_sympy(s: Sympy) -> Expr:
    """The expression of the same real value as SymPy's.

    Names become inputs, with what SymPy assumes about their sign. `Piecewise` becomes `where`, nan
    where no piece holds.

    Raises:
        ArgumentError: it is not an expression of SymPy, or a symbol has no name of its own that
            the language can spell.
        FluxError: it has a part that the language has no counterpart for.
    """
    if not isinstance(s, sympy_module().Basic):
        raise ArgumentError(
            f"expected an expression of SymPy, not {type(s).__name__}",
            hint="flux.parse reads a formula from a text" if isinstance(s, str) else "",
        )
    made: dict[Sympy, Expr] = {}
    stack = [s]
    while stack:
        part = stack[-1]
        reader = _reader(part)
        missing = () if part in made else [a for a in _operands(part) if a not in made]
        if missing:
            stack.extend(reversed(missing))
            continue
        stack.pop()
        if part not in made:
            made[part] = reader(part, [made[a] for a in _operands(part)])
    _check_names(made)
    return made[s]


def _check_names(made: Mapping[Sympy, Expr]) -> None:
    """Refuse different symbols of one name: what is assumed of them differs."""
    names = [part.name for part in made if isinstance(part, sympy_module().Symbol)]
    for name in names:
        if names.count(name) > 1:
            raise ArgumentError(
                f"several symbols have the name {name!r}",
                hint="they differ in SymPy by what is assumed of them",
            )


def _operands(part: Sympy) -> Sequence[Sympy]:
    """What is read before a part; a piece of a Piecewise is its value and its condition."""
    sympy = sympy_module()
    if isinstance(part, sympy.Mul):
        return [x for factor in part.args for x in _factor(factor)]
    if isinstance(part, sympy.Piecewise):
        return [x for piece in part.args for x in piece.args]
    if isinstance(part, sympy.Pow):
        return (part.base,) if _is_plain_power(part) else (part.base, _unsigned(part.exp))
    return part.args if not part.is_Atom else ()


def _reader(part: Sympy) -> Reader:
    for kind in type(part).__mro__:
        reader = readers().get(kind)
        if reader is not None:
            return reader
    raise FluxError(
        f"SymPy's {type(part).__name__} has no counterpart in the language",
        hint="evaluate it in SymPy, or rewrite it there in other functions",
    )


def rational(value: Fraction) -> Expr:
    """The literal of a rational number: 3, -2/5."""
    if value < 0:
        return -rational(-value)
    above = constant(value.numerator)
    if value.denominator == 1:
        return above
    if value.denominator > _LONG and value.denominator % 10**6 == 0:
        short = _terminating(value)
        if short is not None:
            return constant(short)
    return above / constant(value.denominator)


def _terminating(value: Fraction) -> Decimal | None:
    """The decimal of a fraction over a power of ten, where it ends."""
    places = len(str(value.denominator)) - 1
    scaled = value * 10**places
    if scaled.denominator != 1:
        return None
    return Decimal((0, tuple(map(int, str(scaled.numerator))), -places))


def _number(part: Sympy, _: Sequence[Expr]) -> Expr:
    return rational(Fraction(int(part.p), int(part.q)))


def _float(part: Sympy, _: Sequence[Expr]) -> Expr:
    if part._prec <= 53:
        return constant(float(part))
    sign, digits, exponent, _ = part._mpf_  # an integer times a power of two
    with localcontext(prec=int(part._prec * _DIGITS_A_BIT) + 1):
        value = Decimal(int(digits)) * Decimal(2) ** exponent
    return constant(-value if sign else value)


def _symbol(part: Sympy, _: Sequence[Expr]) -> Expr:
    if part.is_real is False:
        raise DomainError(f"the symbol {part.name!r} is not real")
    if not _NAME.match(part.name):
        raise ArgumentError(
            f"the symbol {part.name!a} is no name of the language",
            hint="a name is of printable ASCII characters, without a backtick",
        )
    signs = (text for name, text in _SIGNS.items() if getattr(part, name))
    return variable(part.name, integer=bool(part.is_integer), assumption=next(signs, ""))


# SymPy's assumption: ours; the first that holds.
_SIGNS: Mapping[str, str] = {
    "is_positive": "> 0",
    "is_negative": "< 0",
    "is_nonnegative": ">= 0",
    "is_nonpositive": "<= 0",
    "is_nonzero": "!= 0",
}
_NAME = re.compile(r"[ -_a-~]+\Z")


def _dummy(part: Sympy, _: Sequence[Expr]) -> Expr:
    raise FluxError(f"SymPy's symbol {part.name!r} is a nameless one (Dummy)")


def _complex(part: Sympy, _: Sequence[Expr]) -> Expr:
    raise DomainError(f"the expression is not real: it has SymPy's {part}")


def _sum(part: Sympy, args: Sequence[Expr]) -> Expr:
    ordered = sorted(args, key=lambda e: e.op is Op.NEG)  # 1 - x rather than -x + 1
    total = ordered[0]
    for term in ordered[1:]:
        total = total - term.args[0] if term.op is Op.NEG else total + term
    return total


def _is_plain_power(part: Sympy) -> bool:
    return part.exp in (sympy_module().S.Half, -sympy_module().S.Half, -sympy_module().S.One)


def _unsigned(exponent: Sympy) -> Sympy:
    """The exponent as it is written: b^-2 is 1/b^2 where -2 is a number."""
    return -exponent if exponent.is_Rational and exponent < 0 else exponent


def _factor(factor: Sympy) -> Sequence[Sympy]:
    """What a factor of a product is read from: of a power that divides, its reciprocal."""
    if factor.is_Pow and factor.exp.is_Rational and factor.exp < 0:
        return (
            (sympy_module().Pow(factor.base, -factor.exp, evaluate=False),)
            if (factor.exp != -1)
            else (factor.base,)
        )
    return () if factor.is_Rational else (factor,)


def _product(part: Sympy, args: Sequence[Expr]) -> Expr:
    remaining = iter(args)
    above: list[Expr] = []
    below: list[Expr] = []
    scale = Fraction(1)
    for factor in part.args:
        if factor.is_Rational:
            scale *= Fraction(int(factor.p), int(factor.q))
        else:
            divides = factor.is_Pow and factor.exp.is_Rational and factor.exp < 0
            (below if divides else above).append(next(remaining))
    literal = rational(abs(scale))
    if literal.op is Op.DIV:
        below.insert(0, literal.args[1])
        literal = literal.args[0]
    if literal is not ONE:
        above.insert(0, literal)
    result = _times(above)
    if below:
        result = result / _times(below)
    return neg(result) if scale < 0 else result


def _times(factors: Sequence[Expr]) -> Expr:
    return reduce(lambda a, b: a * b, factors) if factors else ONE


def _power(part: Sympy, args: Sequence[Expr]) -> Expr:
    if _is_plain_power(part):
        base = args[0] if part.exp == -1 else apply(Op.SQRT, args[0])
        return base if part.exp.is_positive else 1 / base
    base, exponent = args
    if part.exp.is_Rational and part.exp < 0:
        return 1 / base**exponent
    return base**exponent


def _pieces(part: Sympy, args: Sequence[Expr]) -> Expr:
    pairs = list(zip(args[::2], args[1::2], strict=True))
    closed = part.args[-1].cond == sympy_module().S.true
    result = pairs.pop()[0] if closed else constant("nan")
    for value, condition in reversed(pairs):
        result = where(condition, value, result)
    return result


def _folded(op: Op) -> Reader:
    """An operation of two that SymPy gives any number of operands."""
    return lambda _, args: reduce(lambda a, b: apply(op, a, b), args)


def _applied(op: Op) -> Reader:
    return lambda _, args: apply(op, *args)


def _of(build: Callable[..., Expr]) -> Reader:
    return lambda _, args: build(*args)


def _log(part: Sympy, args: Sequence[Expr]) -> Expr:
    value = apply(Op.LOG, args[0])
    return value if len(args) == 1 else value / apply(Op.LOG, args[1])


def _heaviside(x: Expr, at_zero: Expr) -> Expr:
    return where(apply(Op.GT, x, ZERO), ONE, where(apply(Op.LT, x, ZERO), ZERO, at_zero))


def _reciprocal(op: Op) -> Reader:
    return lambda _, args: 1 / apply(op, args[0])


def _of_reciprocal(op: Op) -> Reader:
    return lambda _, args: apply(op, 1 / args[0])


# SymPy's class, by name: how it is read. A class that is not here is tried by what it derives from.
READERS: Mapping[str, Reader] = {
    "Integer": _number,
    "Rational": _number,
    "Float": _float,
    "Symbol": _symbol,
    "Dummy": _dummy,
    "Wild": _dummy,
    "numbers.Pi": lambda *_: constant("pi"),
    "numbers.Exp1": lambda *_: constant("e"),
    "numbers.Infinity": lambda *_: constant("inf"),
    "numbers.NegativeInfinity": lambda *_: -constant("inf"),
    "numbers.NaN": lambda *_: constant("nan"),
    "numbers.ImaginaryUnit": _complex,
    "numbers.ComplexInfinity": _complex,
    "logic.boolalg.BooleanTrue": lambda *_: constant(True),
    "logic.boolalg.BooleanFalse": lambda *_: constant(False),
    "Add": _sum,
    "Mul": _product,
    "Pow": _power,
    "Piecewise": _pieces,
    "exp": _applied(Op.EXP),
    "log": _log,
    "sin": _applied(Op.SIN),
    "cos": _applied(Op.COS),
    "tan": _applied(Op.TAN),
    "sec": _reciprocal(Op.COS),
    "csc": _reciprocal(Op.SIN),
    "cot": _reciprocal(Op.TAN),
    "asin": _applied(Op.ASIN),
    "acos": _applied(Op.ACOS),
    "atan": _applied(Op.ATAN),
    "acot": _of_reciprocal(Op.ATAN),
    "asec": _of_reciprocal(Op.ACOS),
    "acsc": _of_reciprocal(Op.ASIN),
    "atan2": _applied(Op.ATAN2),
    "sinh": _applied(Op.SINH),
    "cosh": _applied(Op.COSH),
    "tanh": _applied(Op.TANH),
    "sech": _reciprocal(Op.COSH),
    "csch": _reciprocal(Op.SINH),
    "coth": _reciprocal(Op.TANH),
    "asinh": _applied(Op.ASINH),
    "acosh": _applied(Op.ACOSH),
    "atanh": _applied(Op.ATANH),
    "acoth": _of_reciprocal(Op.ATANH),
    "asech": _of_reciprocal(Op.ACOSH),
    "acsch": _of_reciprocal(Op.ASINH),
    "erf": _applied(Op.ERF),
    "erfc": _applied(Op.ERFC),
    "gamma": _applied(Op.GAMMA),
    "factorial": _of(lambda n: apply(Op.GAMMA, n + 1)),
    "loggamma": _applied(Op.LGAMMA),
    "polygamma": _applied(Op.POLYGAMMA),
    "digamma": _of(lambda x: apply(Op.POLYGAMMA, ZERO, x)),
    "trigamma": _of(lambda x: apply(Op.POLYGAMMA, ONE, x)),
    "Abs": _applied(Op.ABS),
    "sign": _applied(Op.SIGN),
    "floor": _applied(Op.FLOOR),
    "ceiling": _applied(Op.CEIL),
    "frac": _of(lambda x: x - apply(Op.FLOOR, x)),
    "Mod": _applied(Op.MOD),
    "Heaviside": _of(_heaviside),
    "Min": _folded(Op.MINIMUM),
    "Max": _folded(Op.MAXIMUM),
    "StrictLessThan": _applied(Op.LT),
    "LessThan": _applied(Op.LE),
    "StrictGreaterThan": _applied(Op.GT),
    "GreaterThan": _applied(Op.GE),
    "Equality": _applied(Op.EQ),
    "Unequality": _applied(Op.NE),
    "And": _folded(Op.AND),
    "Or": _folded(Op.OR),
    "Not": _applied(Op.NOT),
    "Xor": _folded(Op.NE),
    "ITE": _of(where),
}


@cache
def readers() -> Mapping[type, Reader]:
    """The table by SymPy's own classes."""
    from sympy.core import numbers
    from sympy.logic import boolalg

    places = {"numbers": numbers, "logic.boolalg": boolalg}
    found: dict[type, Reader] = {}
    for name, reader in READERS.items():
        home, _, bare = name.rpartition(".")
        found[getattr(places.get(home, sympy_module()), bare)] = reader
    return found
