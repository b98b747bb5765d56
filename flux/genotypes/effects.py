"""What an allele's copies contribute, as formulas of the language.

`g` is the number of copies that a person has, `ploidy` how many the person could have, `p` the
allele's frequency. The kernel has no formulas of its own: its tables are these, evaluated at the
few values that a call can have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flux.compiler import compile as compiled
from flux.errors import ArgumentError
from flux.expr import Expr
from flux.genotypes.weights import ADDITIVE, BY_DOSAGE, DOMINANT, RECESSIVE
from flux.syntax import parse

Floats = NDArray[np.float64]

EFFECTS: Mapping[str, tuple[int, str]] = {
    "additive": (ADDITIVE, "additive(g)"),
    "dominant": (DOMINANT, "dominant(g)"),
    "recessive": (RECESSIVE, "recessive(g, ploidy)"),
}
# Names for formulas that the caller could write.
_NAMED = {"centered": "centered(g, ploidy, p)", "standardized": "standardized(g, ploidy, p)"}
_BY_DOSAGE = "by_dosage(g, w0, w1, w2)"
_NAMES = frozenset(("g", "ploidy", "p"))
OWN = 7  # the kind of an effect that the caller wrote


class Effects:
    """The effect of each kind of row.

    Args:
        effect: of rows that state none: a name, or a formula of `g`, `ploidy` and `p`.

    Raises:
        ArgumentError: the formula has other names.
        FluxError: it is not in the language.
    """

    def __init__(self, effect: str = "additive") -> None:
        if not isinstance(effect, str):
            raise ArgumentError(f"effect is of type {type(effect).__name__}, not a text")
        self.name = effect
        self.kind = EFFECTS[effect][0] if effect in EFFECTS else OWN
        self._own = None if effect in EFFECTS else _checked(_NAMED.get(effect, effect))

    @property
    def of_frequency(self) -> bool:
        """Whether the caller's effect depends on the allele's frequency."""
        return self._own is not None and "p" in self._own.free_names()

    def formula(self, kind: int) -> Expr:
        """The effect as an expression."""
        if kind == OWN and self._own is not None:
            return self._own
        texts = dict(EFFECTS.values())
        return parse(texts.get(kind, _BY_DOSAGE))

    def of(self, kind: int, g: Floats, ploidy: Floats, share: Floats, by_dosage: Floats) -> Floats:
        """The effects of many dosages.

        Shapes:
            g: (F, M); ploidy, share (the allele's frequency): broadcast to it; by_dosage: (F, 3),
            used where kind is BY_DOSAGE.
        """
        if kind == ADDITIVE:
            return g  # the formula is `g`
        given: dict[str, Any] = {"g": g, "ploidy": np.broadcast_to(ploidy, g.shape)}
        given["p"] = np.broadcast_to(share, g.shape)
        if kind == BY_DOSAGE:
            given |= {f"w{i}": by_dosage[:, i : i + 1] for i in range(3)}
        found = _compiled(self.formula(kind))(given)
        return np.broadcast_to(np.asarray(found, np.float64), g.shape)


def _checked(effect: str) -> Expr:
    made = parse(effect, "<effect>")
    unknown = sorted(set(made.free_names()) - _NAMES)
    if unknown:
        names = ", ".join((*EFFECTS, *_NAMED))
        hint = f"{names}, or a formula of g, ploidy and p such as `where(g >= 1, 1, 0)`"
        raise ArgumentError(f"an effect is no formula of `{unknown[0]}`", hint=hint)
    return made


@cache
def _compiled(formula: Expr) -> Callable[[Mapping[str, Any]], Any]:
    return compiled(formula)
