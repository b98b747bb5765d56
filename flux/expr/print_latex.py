r"""Print an expression as LaTeX: fractions, roots, powers, Greek letters, sums over named axes.

The text is for reading and does not parse back. Shared parts are written as names only where the
expression would otherwise be too large; then an `aligned` block lists them first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

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

_LETTERS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
    " upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_GREEK = frozenset(_LETTERS.split())
_ESCAPES = str.maketrans(
    {c: f"\\{c}" for c in "#$%&_{}"} | {"\\": r"\textbackslash{}"} | {"^": r"\^{}", "~": r"\~{}"}
)


def to_latex(e: Expr) -> str:
    """The expression as LaTeX, without dollar signs."""
    order = topological((e,))
    names: dict[Expr, str] = {}
    if not is_small(order):
        names = {part: f"w_{{{i}}}" for i, part in enumerate(named_nodes(order), 1)}
    special: Mapping[Op, Callable[[Expr], Pieces]]
    special = {**_SPECIAL, Op.MUL: partial(_product, names)}
    latex = Notation(_TEMPLATES, special, _LEVELS, _call, (r"\left(", r"\right)"))
    if not names:
        return latex.written(e, names)
    lines = [f"{name} &= {latex.written(part, names)}" for part, name in names.items()]
    rows = "\\\\\n".join([*lines, f"&\\phantom{{=}} {latex.written(e, names)}"])
    return f"\\begin{{aligned}}\n{rows}\n\\end{{aligned}}"


def _call(name: str, args: Sequence[Expr]) -> Pieces:
    return [rf"\operatorname{{{_escaped(name)}}}\left(", *listed(args, ", "), r"\right)"]


def _binary(symbol: str, level: int) -> Template:
    return f"@1 {symbol} @2", level, (level, level + 1)


def _function(name: str) -> Template:
    return rf"{name}\left(@1\right)", POSTFIX, (ANY,)


# LaTeX by operation, the precedence of the result, the loosest precedence of each operand.
_TEMPLATES: Mapping[Op, Template] = {
    Op.OR: _binary(r"\lor", OR),
    Op.AND: _binary(r"\land", AND),
    Op.NOT: (r"\lnot @1", NOT, (COMPARISON,)),
    Op.LT: (r"@1 < @2", COMPARISON, (SUM, SUM)),
    Op.LE: (r"@1 \le @2", COMPARISON, (SUM, SUM)),
    Op.GT: (r"@1 > @2", COMPARISON, (SUM, SUM)),
    Op.GE: (r"@1 \ge @2", COMPARISON, (SUM, SUM)),
    Op.EQ: (r"@1 = @2", COMPARISON, (SUM, SUM)),
    Op.NE: (r"@1 \ne @2", COMPARISON, (SUM, SUM)),
    Op.ADD: _binary("+", SUM),
    Op.SUB: _binary("-", SUM),
    Op.DIV: (r"\frac{@1}{@2}", POSTFIX - 1, (ANY, ANY)),
    Op.MOD: _binary(r"\bmod", PRODUCT),
    Op.NEG: ("-@1", PREFIX, (PRODUCT,)),
    Op.EXP: ("e^{@1}", POWER, (ANY,)),
    Op.LOG: _function(r"\ln"),
    Op.LOG2: _function(r"\log_{2}"),
    Op.LOG10: _function(r"\log_{10}"),
    Op.SQRT: (r"\sqrt{@1}", POSTFIX, (ANY,)),
    Op.CBRT: (r"\sqrt[3]{@1}", POSTFIX, (ANY,)),
    Op.SIN: _function(r"\sin"),
    Op.COS: _function(r"\cos"),
    Op.TAN: _function(r"\tan"),
    Op.ASIN: _function(r"\arcsin"),
    Op.ACOS: _function(r"\arccos"),
    Op.ATAN: _function(r"\arctan"),
    Op.SINH: _function(r"\sinh"),
    Op.COSH: _function(r"\cosh"),
    Op.TANH: _function(r"\tanh"),
    Op.ASINH: _function(r"\operatorname{arsinh}"),
    Op.ACOSH: _function(r"\operatorname{arcosh}"),
    Op.ATANH: _function(r"\operatorname{artanh}"),
    Op.HYPOT: (r"\sqrt{@1^{2} + @2^{2}}", POSTFIX, (POSTFIX, POSTFIX)),
    Op.GAMMA: _function(r"\Gamma"),
    Op.LGAMMA: (r"\ln\left|\Gamma\left(@1\right)\right|", POSTFIX, (ANY,)),
    Op.POLYGAMMA: (r"\psi^{\left(@1\right)}\left(@2\right)", POSTFIX, (ANY, ANY)),
    Op.ABS: (r"\left|@1\right|", POSTFIX, (ANY,)),
    Op.FLOOR: (r"\left\lfloor @1\right\rfloor", POSTFIX, (ANY,)),
    Op.CEIL: (r"\left\lceil @1\right\rceil", POSTFIX, (ANY,)),
    Op.MINIMUM: (r"\min\left(@1, @2\right)", POSTFIX, (ANY, ANY)),
    Op.MAXIMUM: (r"\max\left(@1, @2\right)", POSTFIX, (ANY, ANY)),
    Op.WHERE: (
        r"\begin{cases} @2 & \text{if } @1 \\ @3 & \text{otherwise} \end{cases}",
        POSTFIX,
        (ANY, ANY, ANY),
    ),
}


def _constant(e: Expr) -> Pieces:
    kind, value = e.attributes
    if kind == "named":
        return [{"pi": r"\pi", "inf": r"\infty", "nan": r"\text{nan}"}.get(value, str(value))]
    if kind == "bool":
        return [rf"\text{{{str(value).lower()}}}"]
    return [_decimal(value) if isinstance(value, Decimal) else str(value)]


def _decimal(value: Decimal) -> str:
    mantissa, _, exponent = show_decimal(value).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def _input(e: Expr) -> Pieces:
    name, axes, _, _ = e.attributes
    return [_subscripted(_name(name), axes)]


def _subscripted(text: str, axes: Sequence[str]) -> str:
    if not axes:
        return text
    listed = ", ".join(map(_name, axes))
    return f"{{{text}}}_{{{listed}}}"


def _name(name: str) -> str:
    stem, _, index = name.partition("_")
    if index and stem.isalnum() and index.isalnum():
        return f"{_word(stem)}_{{{_word(index)}}}"
    match = re.fullmatch(r"([A-Za-z]+)(\d+)", name)
    return f"{_word(match[1])}_{{{match[2]}}}" if match else _word(name)


def _word(word: str) -> str:
    if word in _GREEK:
        return rf"\{word}"
    if len(word) == 1 and word.isalnum():
        return word
    return rf"\mathrm{{{_escaped(word)}}}" if word.isalnum() else rf"\text{{{_escaped(word)}}}"


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)


def _product(names: Mapping[Expr, str], e: Expr) -> Pieces:
    left, right = e.args
    dot = r" \cdot " if _starts_with_digit(right, names) else r" \, "
    return [(left, PRODUCT), dot, (right, POWER)]


def _starts_with_digit(e: Expr, names: Mapping[Expr, str]) -> bool:
    while e.op in (Op.MUL, Op.POW) and e not in names:
        e = e.args[0]
    return e.op is Op.DIV or (e.op is Op.CONSTANT and e.attributes.kind != "named")


def _power(e: Expr) -> Pieces:
    base, exponent = e.args
    if base.op in (Op.INPUT, Op.CONSTANT) and not base.axes:
        return [(base, POSTFIX), "^{", (exponent, ANY), "}"]
    return ["{", (base, POSTFIX), "}^{", (exponent, ANY), "}"]


def _reduction(symbol: str) -> Callable[[Expr], Pieces]:
    def pieces(e: Expr) -> Pieces:
        axes = ", ".join(map(_name, e.attributes))
        return [f"{symbol}_{{{axes}}} ", (e.args[0], PRODUCT)]

    return pieces


def _rename(e: Expr) -> Pieces:
    x, pairs = e.args[0], dict(e.attributes)
    if x.op is Op.INPUT:
        axes = [pairs.get(axis, axis) for axis in x.attributes.axes]
        return [_subscripted(_name(x.attributes.name), axes)]
    shown = ", ".join(rf"{_name(a)} \to {_name(b)}" for a, b in e.attributes)
    return [r"\left.", (x, POSTFIX), rf"\right|_{{{shown}}}"]


def _index(e: Expr) -> Pieces:
    x, indices = e.args[0], dict(zip(e.attributes, e.args[1:], strict=True))
    if x.op is Op.INPUT:
        return [*_indexed(x, indices), "}"]
    pieces: Pieces = []
    for axis, i in indices.items():
        pieces += [", ", f"{_name(axis)} = ", (i, ANY)]
    return [r"\left.", (x, POSTFIX), r"\right|_{", *pieces[1:], "}"]


def _indexed(x: Expr, indices: Mapping[str, Expr]) -> Pieces:
    # An input's subscripts with the indices in their places: E_{tokens, d}.
    pieces: Pieces = []
    for axis in x.attributes.axes:
        pieces += [", ", (indices[axis], ANY) if axis in indices else _name(axis)]
    return [f"{{{_name(x.attributes.name)}}}_{{", *pieces[1:]]


def _random(e: Expr) -> Pieces:
    return [_subscripted(rf"u^{{\text{{{_escaped(e.attributes.site)}}}}}", e.attributes.axes)]


_SPECIAL: Mapping[Op, Callable[[Expr], Pieces]] = {
    Op.CONSTANT: _constant,
    Op.INPUT: _input,
    Op.POSITION: lambda e: [_name(e.attributes)],
    Op.SIZE: lambda e: [rf"\left|{_name(e.attributes)}\right|"],
    Op.RANDOM: _random,
    Op.POW: _power,
    Op.SUM: _reduction(r"\sum"),
    Op.PROD: _reduction(r"\prod"),
    Op.MAX: _reduction(r"\max"),
    Op.MIN: _reduction(r"\min"),
    Op.ARGMAX: _reduction(r"\operatorname*{arg\,max}"),
    Op.RENAME: _rename,
    Op.INDEX: _index,
}

_LEVELS: Mapping[Op, int] = {
    Op.MUL: PRODUCT,
    Op.POW: POWER,
    # What follows a sum would read as part of it, so it stands in brackets within a product.
    **dict.fromkeys((Op.SUM, Op.PROD, Op.MAX, Op.MIN, Op.ARGMAX), SUM),
}
