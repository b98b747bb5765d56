"""Expressions to SymPy: node by node over a table, never as text.

An expression goes in, a SymPy expression comes out; `sympy_reader` is the way back. SymPy is
imported when this is first used. Literals keep their exact value (0.1 is 1/10), names are real,
and `assume x > 0` becomes SymPy's assumption. Truth is a number in the language and a Boolean in
SymPy, so the table takes operands as numbers and `_CONDITIONS` says which ones are conditions.

What SymPy would compute for ever when it is built (9^9^9, gamma of a large integer, the floor of a
tower of exponentials) is built unevaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from types import ModuleType
from typing import Any

from flux.errors import AxisError, DomainError, LimitError
from flux.expr import Expr, show_axes, topological, users
from flux.ops import Kind, Op

Sympy = Any  # SymPy has no types
Row = Callable[..., Sympy]

_MAX_EXPONENT = 5_000  # decimal exponent of a literal that is written out
_MAX_POWER_BITS = 20_000  # of an integer power that is computed
_MAX_GAMMA = 500  # gamma of integers up to here is computed


@cache
def sympy_module() -> ModuleType:
    """SymPy, imported when it is first needed."""
    import sympy

    module: ModuleType = sympy
    return module


def to_sympy(e: Expr) -> Sympy:
    """The expression as SymPy's, of the same value wherever it is real and finite.

    `stop(x)` becomes x, and a function with a stated derivative its value. SymPy has no signed
    zero, and no value for atan2(0, 0).

    Raises:
        AxisError: the expression has named axes.
        LimitError: a literal is too large to write out, or the nesting too deep for SymPy.
        DomainError: an operation on numbers that has no real value.
    """
    order = check_scalar(e)
    _check_choices(order)
    try:
        return _built(e, order)
    except RecursionError:
        raise LimitError("the expression nests too deeply for SymPy") from None
    except (ArithmeticError, NotImplementedError, TypeError, ValueError) as error:
        # How SymPy refuses x % 0, or to compare what is not real.
        raise DomainError("a part of the expression has no real value") from error


def check_scalar(e: Expr) -> list[Expr]:
    """The nodes of an expression, operands first, after checking that none has axes.

    Raises:
        AxisError: one has.
    """
    order = topological((e,))
    for part in order:
        kind = part.op.row.kind
        if part.axes or part.op in _NO_VALUE or kind not in (Kind.LEAF, Kind.POINTWISE):
            what = show_axes(part.axes) if part.axes else f"`{part.op.row.name}`"
            raise AxisError(
                f"SymPy has no named axes: a part of the expression has {what}",
                hint="index or reduce the axes first, or take one element as a scalar formula",
            )
    return order


def _check_choices(order: Sequence[Expr]) -> None:
    """Refuse choices that depend on choices, as those of a root's steps: SymPy multiplies them."""
    choosing: set[Expr] = set()
    count = 0
    for e in order:
        count += e.op is Op.WHERE and e.args[0] in choosing
        if e.op is Op.WHERE or any(arg in choosing for arg in e.args):
            choosing.add(e)
    if count > _MOST_CHOICES:
        raise LimitError(
            f"{count} choices depend on other choices, more than {_MOST_CHOICES} for SymPy",
            hint="the value and the derivatives of a root need no SymPy",
        )


_MOST_CHOICES = 3
_NO_VALUE = frozenset((Op.POSITION, Op.SIZE, Op.RANDOM))


def _built(root: Expr, order: Sequence[Expr]) -> Sympy:
    inner = _inside_sums(order)
    made: dict[Expr, Sympy] = {}
    for e in order:
        if e in inner:
            continue
        if e.op in _CHAINS:
            made[e] = _chain(e, inner, made)
        else:
            made[e] = _node(e, [made[arg] for arg in e.args])
    return as_number(made[root])


# Long sums and products are handed over whole: SymPy flattens each partial one again otherwise.
_CHAINS: Mapping[Op, frozenset[Op]] = {
    Op.ADD: frozenset((Op.ADD, Op.SUB)),
    Op.SUB: frozenset((Op.ADD, Op.SUB)),
    Op.MUL: frozenset((Op.MUL,)),
}


def _inside_sums(order: Sequence[Expr]) -> set[Expr]:
    """Sums and products that stand in one larger sum or product, and nowhere else."""
    used = users(order)
    return {
        e
        for e in order
        if e.op in _CHAINS
        and len(used[e]) == 1
        and used[e][0].op in _CHAINS[e.op]
        and used[e][0].args.count(e) == 1
    }


def _chain(root: Expr, inner: set[Expr], made: Mapping[Expr, Sympy]) -> Sympy:
    parts: list[Sympy] = []
    stack = [(root, False)]
    while stack:
        e, minus = stack.pop()
        if e is root or e in inner:
            a, b = e.args
            stack += [(b, minus is not (e.op is Op.SUB)), (a, minus)]
        else:
            value = as_number(made[e])
            parts.append(-value if minus else value)
    sympy = sympy_module()
    return sympy.Mul(*parts) if root.op is Op.MUL else sympy.Add(*parts)


def _node(e: Expr, args: list[Sympy]) -> Sympy:
    if e.op is Op.CONSTANT:
        return _constant(e)
    if e.op is Op.INPUT:
        return symbol(e)
    conditions = _CONDITIONS.get(e.op, ())
    operands = [as_condition(a) if i in conditions else as_number(a) for i, a in enumerate(args)]
    return ROWS[e.op](*operands)


def symbol(e: Expr) -> Sympy:
    """The real symbol of an input, with its assumption."""
    assumption = _ASSUMPTIONS.get(e.attributes.assumption.replace(" ", ""), {})
    whole = {"integer": True} if e.attributes.integer else {}
    return sympy_module().Symbol(e.attributes.name, real=True, **whole, **assumption)


_ASSUMPTIONS: Mapping[str, Mapping[str, bool]] = {
    ">0": {"positive": True},
    ">=0": {"nonnegative": True},
    "<0": {"negative": True},
    "<=0": {"nonpositive": True},
    "!=0": {"zero": False},
}


def _constant(e: Expr) -> Sympy:
    sympy = sympy_module()
    kind, value = e.attributes
    if kind == "named":
        return getattr(sympy.S, _NAMED[value])
    if kind == "bool":
        return sympy.S.true if value else sympy.S.false
    return exact_number(value)


_NAMED = {"pi": "Pi", "e": "Exp1", "inf": "Infinity", "nan": "NaN"}


def exact_number(value: int | Decimal) -> Sympy:
    """A literal as SymPy's rational number, exactly."""
    sympy = sympy_module()
    if isinstance(value, Decimal):
        if abs(value.adjusted()) > _MAX_EXPONENT:
            raise LimitError(f"a number has an exponent beyond {_MAX_EXPONENT}, too long for SymPy")
        return sympy.Rational(*value.as_integer_ratio())
    return sympy.Integer(value)


def as_number(value: Sympy) -> Sympy:
    """A Boolean as 1 or 0; a number as it is."""
    sympy = sympy_module()
    if value is sympy.S.true:
        return sympy.S.One
    if value is sympy.S.false:
        return sympy.S.Zero
    if _is_truth(value):
        return _chosen(value, sympy.S.One, sympy.S.Zero)
    return value


def as_condition(value: Sympy) -> Sympy:
    """A number as the condition that it is not zero; a Boolean as it is."""
    return value if _is_truth(value) else _held("Ne", _plain)(value, sympy_module().S.Zero)


def _is_truth(value: Sympy) -> bool:
    from sympy.logic.boolalg import Boolean

    return isinstance(value, Boolean) and not value.is_Symbol


def _function(name: str) -> Row:
    """A row that is a function of SymPy of the same meaning."""
    return lambda *args: getattr(sympy_module(), name)(*args)


def _held(name: str, cheap: Callable[..., bool]) -> Row:
    """A function of SymPy of the same meaning, computed where that is cheap, else unevaluated."""
    return lambda *args: getattr(sympy_module(), name)(*args, evaluate=cheap(*args))


def _plain(*args: Sympy) -> bool:
    """Whether no part of the operands is nan, or a number of many digits such as exp(exp(100))."""
    sympy = sympy_module()
    kinds = (sympy.Function, sympy.Pow)
    if any(a.has(sympy.nan) for a in args):
        return False
    return all(part.free_symbols for a in args for part in a.atoms(*kinds))


def _small_power(a: Sympy, b: Sympy) -> bool:
    if a.free_symbols or not b.is_Rational:
        return bool(a.free_symbols or b.free_symbols)
    if not (b.is_Integer and a.is_Rational):
        return bool(abs(b) <= _MAX_POWER_BITS)
    bits = max(int(a.p).bit_length(), int(a.q).bit_length())
    return bool(abs(b) * bits <= _MAX_POWER_BITS)


def _small_gamma(a: Sympy) -> bool:
    return bool(a.free_symbols or (a.is_Rational and abs(a) <= _MAX_GAMMA))


_floor = _held("floor", _plain)
_modulo = _held("Mod", _plain)
_equals = _held("Eq", _plain)


def _half() -> Sympy:
    return sympy_module().S.Half


def _root(a: Sympy) -> Sympy:
    sympy = sympy_module()
    return sympy.sign(a) * sympy.Abs(a) ** sympy.Rational(1, 3)


def _truncated(a: Sympy) -> Sympy:
    sympy = sympy_module()
    return sympy.sign(a) * _floor(sympy.Abs(a))


def _half_away(a: Sympy) -> Sympy:
    sympy = sympy_module()
    return sympy.sign(a) * _floor(sympy.Abs(a) + _half())


def _half_even(a: Sympy) -> Sympy:
    # floor(a + 1/2), less one where a + 1/2 is an odd integer.
    odd = _equals(_modulo(a + _half(), sympy_module().Integer(2)), sympy_module().S.One)
    return _floor(a + _half()) - as_number(odd)


def _lgamma(a: Sympy) -> Sympy:
    sympy = sympy_module()
    return sympy.loggamma(a) if a.is_positive else sympy.log(sympy.Abs(sympy.gamma(a)))


def _log_to(base: int) -> Row:
    return lambda a: sympy_module().log(a) / sympy_module().log(base)


def _chosen(condition: Sympy, then: Sympy, otherwise: Sympy) -> Sympy:
    # A condition on numbers alone may need any number of digits to decide: it is left as it is.
    decide = bool(condition.free_symbols) or condition.is_Atom
    return sympy_module().Piecewise((then, condition), (otherwise, True), evaluate=decide)


# One row per pointwise operation: operands as numbers (those in _CONDITIONS as conditions) to the
# SymPy expression of the same value.
ROWS: Mapping[Op, Row] = {
    Op.NEG: lambda a: -a,
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.DIV: lambda a, b: a / b,
    Op.POW: _held("Pow", _small_power),
    Op.MOD: _modulo,
    Op.FMOD: lambda a, b: a - b * _truncated(a / b),
    Op.EXP: _function("exp"),
    Op.EXPM1: lambda a: sympy_module().exp(a) - 1,
    Op.LOG: _function("log"),
    Op.LOG1P: lambda a: sympy_module().log(1 + a),
    Op.LOG2: _log_to(2),
    Op.LOG10: _log_to(10),
    Op.SQRT: _function("sqrt"),
    Op.CBRT: _root,
    Op.SIN: _function("sin"),
    Op.COS: _function("cos"),
    Op.TAN: _function("tan"),
    Op.ASIN: _function("asin"),
    Op.ACOS: _function("acos"),
    Op.ATAN: _function("atan"),
    Op.ATAN2: _function("atan2"),
    Op.SINH: _function("sinh"),
    Op.COSH: _function("cosh"),
    Op.TANH: _function("tanh"),
    Op.ASINH: _function("asinh"),
    Op.ACOSH: _function("acosh"),
    Op.ATANH: _function("atanh"),
    Op.HYPOT: lambda a, b: sympy_module().sqrt(a**2 + b**2),
    Op.ERF: _function("erf"),
    Op.ERFC: _function("erfc"),
    Op.GAMMA: _held("gamma", _small_gamma),
    Op.LGAMMA: _lgamma,
    Op.POLYGAMMA: _held("polygamma", lambda n, a: _small_gamma(n) and _small_gamma(a)),
    Op.ABS: _function("Abs"),
    Op.SIGN: _function("sign"),
    Op.FLOOR: _floor,
    Op.CEIL: _held("ceiling", _plain),
    Op.ROUND: _half_away,
    Op.RINT: _half_even,
    Op.TRUNC: _truncated,
    Op.MINIMUM: _held("Min", _plain),
    Op.MAXIMUM: _held("Max", _plain),
    Op.LT: _held("Lt", _plain),
    Op.LE: _held("Le", _plain),
    Op.GT: _held("Gt", _plain),
    Op.GE: _held("Ge", _plain),
    Op.EQ: _equals,
    Op.NE: _held("Ne", _plain),
    Op.AND: _function("And"),
    Op.OR: _function("Or"),
    Op.NOT: _function("Not"),
    Op.WHERE: _chosen,
    Op.STOP: lambda a: a,
    Op.CUSTOM: lambda value, *_: value,
}

_CONDITIONS: Mapping[Op, tuple[int, ...]] = {
    Op.AND: (0, 1),
    Op.OR: (0, 1),
    Op.NOT: (0,),
    Op.WHERE: (0,),
}
