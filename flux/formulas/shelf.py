"""The library of formulas: found by name, listed by topic, searched by word.

Its files are those of `flux/library/formulas`, a topic each. They are read when the first formula
is asked for.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from flux.errors import ArgumentError, UnknownNameError, did_you_mean
from flux.formulas.card import read_cards
from flux.formulas.exact_hardy_weinberg import hardy_weinberg_exact
from flux.formulas.formula import Formula
from flux.source import Source
from flux.syntax import Module, load_text
from flux.syntax.module import LIBRARY

# What NumPy computes in far fewer steps than the definition has: see the modules.
NUMERIC = {"hardy_weinberg_exact": hardy_weinberg_exact}


def get(name: str) -> Formula:
    """The formula of the library of that name.

    `flux.formulas.get("egfr_ckd_epi_2021")(creatinine=1.1, age=54, female=0)`

    Raises:
        UnknownNameError: there is none; the hint has the nearest name.
    """
    return named(library(), name)


def list(word: str = "") -> builtins.list[Formula]:
    """The formulas of the library, by topic.

    Args:
        word: only those with this text in name, topic, title, inputs or source, in any case.
    """
    return mentioning(library(), word)


def named(formulas: Mapping[str, Formula], name: str) -> Formula:
    """The formula of that name among some, or an error with the nearest name."""
    if not isinstance(name, str):
        raise ArgumentError(f"the name of a formula is a text, not {type(name).__name__}")
    found = formulas.get(name)
    if found is None:
        raise UnknownNameError(f"there is no formula `{name}`", hint=_hint(formulas, name))
    return found


def _hint(formulas: Mapping[str, Formula], name: str) -> str:
    """The nearest name, those that mention the name, or the nearest word to search for."""
    near = did_you_mean(name, builtins.list(formulas))
    if near:
        return near
    found = [formula.name for formula in mentioning(formulas, name)]
    if found:
        more = "" if len(found) <= 8 else f" and {len(found) - 8} more"
        return f"there are {', '.join(found[:8])}{more}"
    words = {word for f in formulas.values() for word in re.findall(r"[a-z]{4,}", _searched(f))}
    topics = dict.fromkeys(formula.topic for formula in formulas.values() if formula.topic)
    listed = f"the topics are {', '.join(topics)}" if topics else "there is no card in the text"
    return did_you_mean(name.lower(), sorted(words)) or listed


def mentioning(formulas: Mapping[str, Formula], words: str) -> builtins.list[Formula]:
    """Those of some formulas that mention all of these words."""
    if not isinstance(words, str):
        raise ArgumentError(f"formulas are searched by a text, not {type(words).__name__}")
    wanted = words.lower().split()
    return [f for f in formulas.values() if all(part in _searched(f) for part in wanted)]


@lru_cache(maxsize=1024)
def _searched(formula: Formula) -> str:
    card = formula.card
    inputs = (f"{q.name} {q.meaning}" for q in (*card.inputs, card.result))
    parts = (card.name, formula.topic, card.title, card.text, card.source, *inputs)
    return " ".join(parts).lower().replace("_", " ") + card.name.lower()


def read(text: Source | str) -> dict[str, Formula]:
    """The formulas of a text of definitions that has cards, by name.

    Raises:
        FluxError: mistakes in the text or in a card.
    """
    if not isinstance(text, str | Source):
        hint = "give the text itself, as path.read_text() does"
        raise ArgumentError(f"formulas are read from a text, not {type(text).__name__}", hint=hint)
    source = Source(text, "<text>") if isinstance(text, str) else text
    module = load_text(source.text, source.name)
    return _formulas(source, module, topic="")


def again(source: Source, name: str, topic: str) -> Formula:
    """A formula that was pickled: one of the library by name, another from its text."""
    return get(name) if topic else read(source)[name]


def _formulas(source: Source, module: Module, topic: str) -> dict[str, Formula]:
    cards = read_cards(source)
    numeric: Mapping[str, Any] = NUMERIC if topic else {}
    return {
        name: Formula(card, module[name], topic, numeric.get(name)) for name, card in cards.items()
    }


@lru_cache(maxsize=1)
def library() -> Mapping[str, Formula]:
    """Every formula of the library, by name."""
    found: dict[str, Formula] = {}
    for source in formula_sources():
        module = load_text(source.text, source.name)
        found.update(_formulas(source, module, topic_of(source)))
    return found


def formula_sources() -> Sequence[Source]:
    """The texts of the library's formulas."""
    return [source for source in LIBRARY.sources if "/formulas/" in source.name]


def topic_of(source: Source) -> str:
    """The topic of a file: its name, without the underscores."""
    return PurePosixPath(source.name).stem.replace("_", " ")
