"""`solve_exactly`: the roots of equations in closed form, from texts or expressions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from flux.calculus.folding import ZERO, add, mul, sub
from flux.calculus.roots import Found, Root, exact_roots
from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.expr import Expr, apply, inputs, variable
from flux.expr.print_text import to_texts
from flux.ops import COMPARISONS, Op
from flux.syntax import parse_equation

_MOST_SHOWN = 8  # names in a message
_UNIT = variable("i")  # in what is printed


@dataclass(frozen=True)
class ExactRoots:
    """Roots in closed form, each of them checked by substitution.

    Attributes:
        unknowns: the names that were solved for.
        roots: the real ones: expressions, or of a system a dictionary by unknown each.
        complex_roots: the others of polynomials: pairs of real and imaginary part, or of a system
            a dictionary of pairs each.
        complete: whether these are all: of polynomials all complex ones, otherwise all real ones.

    A root that has names is real where it is finite, and the roots are complete for values of the
    names at which all of them are finite and no leading coefficient is 0.
    """

    unknowns: tuple[str, ...]
    roots: tuple[Any, ...]
    complex_roots: tuple[Any, ...]
    complete: bool

    def _repr_latex_(self) -> str:
        """The roots under one another, for a notebook."""
        lines = [
            r",\ ".join(f"{variable(name).to_latex()} = {_one(e).to_latex()}" for name, e in row)
            for row in map(self._row, (*self.roots, *self.complex_roots))
        ]
        if not lines:
            lines = [r"\text{no roots}" if self.complete else r"\text{no root was found}"]
        return r"$\displaystyle \begin{gathered} " + r" \\ ".join(lines) + r" \end{gathered}$"

    def _row(self, root: Any) -> Iterable[tuple[str, Any]]:
        return root.items() if isinstance(root, dict) else [(self.unknowns[0], root)]

    def __str__(self) -> str:
        shown = _written(self.unknowns, (*self.roots, *self.complex_roots))
        kind = "real roots" if shown else "roots"
        if not self.complete:
            return "\n".join([*shown, f"(there may be more {kind})"])
        return "\n".join(shown) or "no roots"


def solve_exactly(
    equations: str | Expr | Sequence[str | Expr],
    unknowns: str | Sequence[str] | None = None,
) -> ExactRoots:
    """The roots of an equation, or of a system of equations, in closed form.

    `flux.solve_exactly("x^2 = a", "x").roots` is `(-sqrt(a), sqrt(a))`. SymPy finds candidates in a
    process of its own; only those are returned at which every equation is seen to hold.

    Args:
        equations: one, or a list: texts `left = right`, or expressions that are to be 0. Lines
            such as `assume x > 0` before an equation count for the unknown too.
        unknowns: a name, or a list of names; by default the one name of one equation, or all the
            names of as many equations.

    Raises:
        NotFoundError: there is no closed form, or none that could be confirmed.
        LimitError: SymPy ran out of time or memory (settings `max_seconds`, `max_memory`).
        ArgumentError: it is not clear what is solved for.
        UnknownNameError: the equations have no such name.
    """
    single = isinstance(equations, str | Expr)
    listed = [equations] if isinstance(equations, str | Expr) else _listed(equations)
    residuals = [_residual(equation) for equation in listed]
    names = _unknowns(residuals, unknowns)
    found = exact_roots(residuals, names)
    return _answer(found, names, plain=single and len(names) == 1)


def _listed(equations: object) -> list[str | Expr]:
    if not isinstance(equations, Sequence) or not equations:
        raise ArgumentError("the equations are a text, or a list of texts and expressions")
    return list(equations)


def _residual(equation: object) -> Expr:
    if isinstance(equation, Expr):
        e = equation
    elif isinstance(equation, str):
        sides = parse_equation(equation)
        e = sides.left if sides.right is ZERO else apply(Op.SUB, sides.left, sides.right)
    else:
        kind = type(equation).__name__
        raise ArgumentError(f"an equation is a text or an expression, not {kind}")
    if e.op in COMPARISONS:
        raise ArgumentError("this compares two values", hint="write an equation with one `=`")
    return e


def _unknowns(residuals: Sequence[Expr], unknowns: object) -> list[str]:
    known = list(dict.fromkeys(x.attributes.name for x in inputs(*residuals)))
    if unknowns is None:
        if len(known) != len(residuals):
            shown = ", ".join(f"`{name}`" for name in known[:_MOST_SHOWN]) or "no names"
            raise ArgumentError(
                f"it is not clear what is solved for: the equations have {shown}",
                hint="name the unknowns, as in solve_exactly(equation, 'x')",
            )
        return known
    wanted = [unknowns] if isinstance(unknowns, str) else unknowns
    if not isinstance(wanted, Sequence) or not wanted:
        raise ArgumentError("the unknowns are a name, or a list of names")
    for name in wanted:
        if name not in known:
            hint = did_you_mean(str(name), known)
            raise UnknownNameError(f"the equations have no `{name}`", hint=hint)
    return list(dict.fromkeys(wanted))


def _answer(found: Found, names: Sequence[str], plain: bool) -> ExactRoots:
    real = [root for root in found.roots if _is_real(root)]
    others = [root for root in found.roots if not _is_real(root)]
    if plain:
        (name,) = names
        roots: list[Any] = [root[name].real for root in real]
        pairs: list[Any] = [tuple(root[name]) for root in others]
    else:
        roots = [{name: root[name].real for name in names} for root in real]
        pairs = [{name: tuple(root[name]) for name in names} for root in others]
    return ExactRoots(tuple(names), tuple(roots), tuple(pairs), found.complete)


def _is_real(root: Root) -> bool:
    return all(value.imaginary is ZERO for value in root.values())


# Writing.


def _written(unknowns: Sequence[str], roots: Sequence[Any]) -> list[str]:
    """A line for each root, without what is declared, after the parts that long ones share."""
    rows = [root if isinstance(root, dict) else {unknowns[0]: root} for root in roots]
    bindings, texts = _texts([_one(value) for row in rows for value in row.values()])
    text = iter(texts)
    lines = [", ".join(f"{name} = {next(text)}" for name in row) for row in rows]
    return [*bindings, *lines]


def _texts(values: Sequence[Expr]) -> tuple[list[str], list[str]]:
    alone = [to_texts([e]) for e in values]
    if not any(texts.bindings for texts in alone):
        return [], [texts.values[0] for texts in alone]
    together = to_texts(values)
    return together.bindings, together.values


def _one(value: Expr | tuple[Expr, Expr]) -> Expr:
    """A value as one expression, in which `i` is the imaginary unit."""
    if isinstance(value, Expr):
        return value
    real, imaginary = value
    if imaginary.op is Op.NEG:
        return sub(real, mul(imaginary.args[0], _UNIT))
    return add(real, mul(imaginary, _UNIT))
