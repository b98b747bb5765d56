"""Print an expression as MathML Core, which browsers show: fractions, roots, powers, cases.

The element is for reading. Shared parts are written as names only where the expression would
otherwise be too large; then a table lists them first. Every text of a user is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from html import escape

from flux.expr.blocks import is_small, named_nodes
from flux.expr.node import Expr
from flux.expr.notation import Notation, Pieces, Template, listed
from flux.expr.precedence import (
    AND,
    ANY,
    COMPARISON,
    NOT,
    OR,
    POSTFIX,
    POWER,
    PREFIX,
    PRODUCT,
    SUM,
)
from flux.expr.spelling import show_decimal
from flux.expr.traverse import topological
from flux.ops import Op
from flux.source import printable


def to_mathml(e: Expr) -> str:
    """The expression as one `math` element."""
    order = topological((e,))
    names: dict[Expr, str] = {}
    if not is_small(order):
        names = {part: _sub("<mi>w</mi>", f"<mn>{i}</mn>") for i, part in _numbered(order)}
    value = _MATHML.written(e, names)
    if not names:
        return f"{_OPEN}{value}</math>"
    rows = [f"{name}<mo>=</mo>{_MATHML.written(part, names)}" for part, name in names.items()]
    cells = "".join(f"<mtr><mtd>{row}</mtd></mtr>" for row in [*rows, value])
    return f"{_OPEN}<mtable>{cells}</mtable></math>"


_OPEN = '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">'


def _numbered(order: Sequence[Expr]) -> list[tuple[int, Expr]]:
    return list(enumerate(named_nodes(order), 1))


_BEFORE, _AFTER = "<mrow><mo>(</mo>", "<mo>)</mo></mrow>"


def _call(name: str, args: Sequence[Expr]) -> Pieces:
    operands = listed(args, "<mo>,</mo>")
    return [f"<mrow>{_word(name)}<mo>&#x2061;</mo>{_BEFORE}", *operands, f"{_AFTER}</mrow>"]


def _infix(symbol: str, level: int) -> Template:
    return f"<mrow>@1<mo>{symbol}</mo>@2</mrow>", level, (level, level + 1)


def _comparison(symbol: str) -> Template:
    return f"<mrow>@1<mo>{symbol}</mo>@2</mrow>", COMPARISON, (SUM, SUM)


def _function(name: str) -> Template:
    call = f"<mrow>{name}<mo>&#x2061;</mo>{_BEFORE}@1{_AFTER}</mrow>"
    return call, POSTFIX, (ANY,)


def _log(base: str) -> Template:
    return _function(_sub("<mi>log</mi>", f"<mn>{base}</mn>"))


def _fenced(before: str, after: str) -> Template:
    return f"<mrow><mo>{before}</mo>@1<mo>{after}</mo></mrow>", POSTFIX, (ANY,)


def _sub(base: str, index: str) -> str:
    return f"<msub>{base}{index}</msub>"


_CASES = (
    "<mrow><mo>{</mo><mtable>"
    "<mtr><mtd>@2</mtd><mtd><mtext>if </mtext>@1</mtd></mtr>"
    "<mtr><mtd>@3</mtd><mtd><mtext>otherwise</mtext></mtd></mtr>"
    "</mtable></mrow>"
)

# MathML by operation, the precedence of the result, the loosest precedence of each operand.
_TEMPLATES: Mapping[Op, Template] = {
    Op.OR: _infix("&#x2228;", OR),
    Op.AND: _infix("&#x2227;", AND),
    Op.NOT: ("<mrow><mo>&#xAC;</mo>@1</mrow>", NOT, (COMPARISON,)),
    Op.LT: _comparison("&lt;"),
    Op.LE: _comparison("&#x2264;"),
    Op.GT: _comparison("&gt;"),
    Op.GE: _comparison("&#x2265;"),
    Op.EQ: _comparison("="),
    Op.NE: _comparison("&#x2260;"),
    Op.ADD: _infix("+", SUM),
    Op.SUB: _infix("&#x2212;", SUM),
    Op.MUL: ("<mrow>@1<mo>&#x22C5;</mo>@2</mrow>", PRODUCT, (PRODUCT, POWER)),
    Op.DIV: ("<mfrac><mrow>@1</mrow><mrow>@2</mrow></mfrac>", POSTFIX - 1, (ANY, ANY)),
    Op.MOD: _infix("mod", PRODUCT),
    Op.NEG: ("<mrow><mo>&#x2212;</mo>@1</mrow>", PREFIX, (PRODUCT,)),
    Op.POW: ("<msup><mrow>@1</mrow><mrow>@2</mrow></msup>", POWER, (POSTFIX, ANY)),
    Op.EXP: ("<msup><mi>e</mi><mrow>@1</mrow></msup>", POWER, (ANY,)),
    Op.LOG: _function("<mi>ln</mi>"),
    Op.LOG2: _log("2"),
    Op.LOG10: _log("10"),
    Op.SQRT: ("<msqrt>@1</msqrt>", POSTFIX, (ANY,)),
    Op.CBRT: ("<mroot><mrow>@1</mrow><mn>3</mn></mroot>", POSTFIX, (ANY,)),
    Op.ASIN: _function("<mi>arcsin</mi>"),
    Op.ACOS: _function("<mi>arccos</mi>"),
    Op.ATAN: _function("<mi>arctan</mi>"),
    Op.ASINH: _function("<mi>arsinh</mi>"),
    Op.ACOSH: _function("<mi>arcosh</mi>"),
    Op.ATANH: _function("<mi>artanh</mi>"),
    Op.HYPOT: (
        "<msqrt><msup><mrow>@1</mrow><mn>2</mn></msup><mo>+</mo>"
        "<msup><mrow>@2</mrow><mn>2</mn></msup></msqrt>",
        POSTFIX,
        (POSTFIX, POSTFIX),
    ),
    Op.GAMMA: _function("<mi>&#x393;</mi>"),
    Op.LGAMMA: (
        f"<mrow><mi>ln</mi><mo>|</mo><mi>&#x393;</mi>{_BEFORE}@1{_AFTER}<mo>|</mo></mrow>",
        POSTFIX,
        (ANY,),
    ),
    Op.POLYGAMMA: (
        f"<mrow><msup><mi>&#x3C8;</mi>{_BEFORE}@1{_AFTER}</msup>{_BEFORE}@2{_AFTER}</mrow>",
        POSTFIX,
        (ANY, ANY),
    ),
    Op.ABS: _fenced("|", "|"),
    Op.FLOOR: _fenced("&#x230A;", "&#x230B;"),
    Op.CEIL: _fenced("&#x2308;", "&#x2309;"),
    Op.WHERE: (_CASES, POSTFIX, (ANY, ANY, ANY)),
}


def _constant(e: Expr) -> Pieces:
    kind, value = e.attributes
    if kind == "named":
        return [_NAMED[value]]
    if kind == "bool":
        return [f"<mtext>{str(value).lower()}</mtext>"]
    return [_decimal(value) if isinstance(value, Decimal) else f"<mn>{value}</mn>"]


_NAMED = {
    "pi": "<mi>&#x3C0;</mi>",
    "e": "<mi>e</mi>",
    "inf": "<mi>&#x221E;</mi>",
    "nan": "<mtext>nan</mtext>",
}


def _decimal(value: Decimal) -> str:
    mantissa, _, exponent = show_decimal(value).partition("e")
    if not exponent:
        return f"<mn>{mantissa}</mn>"
    power = f"<msup><mn>10</mn><mn>{int(exponent)}</mn></msup>"
    return f"<mrow><mn>{mantissa}</mn><mo>&#x22C5;</mo>{power}</mrow>"


def _word(name: str) -> str:
    return f"<mi>{_GREEK.get(name) or escape(printable(name), quote=False)}</mi>"


_LETTERS = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "omicron", "pi", "rho", "", "sigma", "tau", "upsilon", "phi"),
    *("chi", "psi", "omega"),
)
_ALPHA = 0x3B1  # the code point of the first letter; the empty name is the final sigma's
_GREEK = {name: f"&#x{_ALPHA + i:X};" for i, name in enumerate(_LETTERS)}


def _name(name: str) -> str:
    stem, _, index = name.partition("_")
    if index and stem.isalnum() and index.isalnum():
        return _sub(_word(stem), _word(index))
    return _word(name)


def _listed(axes: Sequence[str]) -> str:
    return "<mrow>" + "<mo>,</mo>".join(map(_name, axes)) + "</mrow>"


def _input(e: Expr) -> Pieces:
    name, axes, _, _ = e.attributes
    return [_sub(_name(name), _listed(axes)) if axes else _name(name)]


def _reduction(symbol: str) -> Callable[[Expr], Pieces]:
    def pieces(e: Expr) -> Pieces:
        under = f"<munder>{symbol}{_listed(e.attributes)}</munder>"
        return [f"<mrow>{under}", (e.args[0], PRODUCT), "</mrow>"]

    return pieces


def _rename(e: Expr) -> Pieces:
    shown = "<mo>,</mo>".join(f"{_name(a)}<mo>&#x2192;</mo>{_name(b)}" for a, b in e.attributes)
    return ["<msub><mrow>", (e.args[0], POSTFIX), f"</mrow><mrow>{shown}</mrow></msub>"]


def _index(e: Expr) -> Pieces:
    pieces: Pieces = []
    for axis, i in zip(e.attributes, e.args[1:], strict=True):
        pieces += ["<mo>,</mo>", f"{_name(axis)}<mo>=</mo>", (i, ANY)]
    return ["<msub><mrow>", (e.args[0], POSTFIX), "</mrow><mrow>", *pieces[1:], "</mrow></msub>"]


def _random(e: Expr) -> Pieces:
    site, axes = e.attributes
    drawn = f"<msup><mi>u</mi><mtext>{escape(printable(site), quote=False)}</mtext></msup>"
    return [_sub(drawn, _listed(axes)) if axes else drawn]


_SPECIAL: Mapping[Op, Callable[[Expr], Pieces]] = {
    Op.CONSTANT: _constant,
    Op.INPUT: _input,
    Op.POSITION: lambda e: [_name(e.attributes)],
    Op.SIZE: lambda e: [f"<mrow><mo>|</mo>{_name(e.attributes)}<mo>|</mo></mrow>"],
    Op.RANDOM: _random,
    Op.SUM: _reduction("<mo>&#x2211;</mo>"),
    Op.PROD: _reduction("<mo>&#x220F;</mo>"),
    Op.MAX: _reduction("<mi>max</mi>"),
    Op.MIN: _reduction("<mi>min</mi>"),
    Op.ARGMAX: _reduction("<mi>arg max</mi>"),
    Op.RENAME: _rename,
    Op.INDEX: _index,
}

# What follows a sum would read as part of it, so it stands in brackets within a product.
_LEVELS: Mapping[Op, int] = dict.fromkeys((Op.SUM, Op.PROD, Op.MAX, Op.MIN, Op.ARGMAX), SUM)

_MATHML = Notation(_TEMPLATES, _SPECIAL, _LEVELS, _call, (_BEFORE, _AFTER))
