"""`flux formulas`: the library of published formulas, listed, shown, printed and computed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

import flux
from flux.cli.assignments import texts
from flux.cli.numbers import show_number
from flux.cli.output import json_option, show

if TYPE_CHECKING:
    from flux.formulas import Formula, Quantity


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, metavar="[NAME [INPUT=VALUE]... | WORD...]")
@click.option("--units", multiple=True, metavar="INPUT=UNIT", help="Of a value, if not the card's.")
@click.option("--unit", help="That the result is wanted in.")
@click.option(
    "--outside",
    type=click.Choice(["raise", "nan", "keep"]),
    default="raise",
    show_default=True,
    help="What a value outside its valid range is.",
)
@click.option("--file", help="A text of your own with cards, instead of the library.")
@click.option("--check", is_flag=True, help="Compute the worked examples, and say which are wrong.")
@click.option("--latex", is_flag=True, help="Print LaTeX.")
@json_option
def command(
    words: tuple[str, ...],
    units: tuple[str, ...],
    unit: str | None,
    outside: str,
    file: str | None,
    check: bool,
    latex: bool,
    as_json: bool,
) -> None:
    """List the library's formulas, show one, or compute it.

    Without an argument, all are listed by topic; with words, those that mention them. A NAME shows
    the formula with its units, valid ranges, source and worked examples; with a value for each
    input, in the card's unit or with its own, it is computed.

    \b
    flux formulas
    flux formulas kidney
    flux formulas egfr_ckd_epi_2021
    flux formulas egfr_ckd_epi_2021 creatinine=1.1 age=54 female=0
    flux formulas egfr_ckd_epi_2021 creatinine=97umol/L age=54 female=0
    flux formulas kosambi_distance --latex
    flux formulas --file mine.flux --check
    """
    from flux.formulas.shelf import named

    values = [word for word in words if "=" in word]
    names = [word for word in words if "=" not in word]
    computes = bool(values or units or unit is not None)
    if computes + check + latex > 1:
        raise click.UsageError("values, --check and --latex are three things to do: ask for one")
    formulas = _formulas(file)
    if computes:
        _compute(named(formulas, _one(names)), values, units, unit, outside, as_json)
    elif check:
        _check(_found(formulas, names))
    else:
        _show(_found(formulas, names), bool(names), latex, as_json)


def _formulas(file: str | None) -> Mapping[str, Formula]:
    """Those of a file, or of the library."""
    from flux.formulas.shelf import library, read
    from flux.syntax import load

    return library() if file is None else read(load(file).text.source)


def _one(names: Sequence[str]) -> str:
    if len(names) != 1:
        raise click.UsageError("values go with the name of one formula")
    return names[0]


def _found(formulas: Mapping[str, Formula], words: Sequence[str]) -> list[Formula]:
    """The formula of that name, or those that mention the words.

    Raises:
        UnknownNameError: there is none; the hint has the nearest name.
    """
    from flux.formulas.shelf import mentioning, named

    text = " ".join(words)
    if text in formulas:
        return [formulas[text]]
    found = mentioning(formulas, text)
    return found if found or not text else [named(formulas, text)]


def _check(found: Sequence[Formula]) -> None:
    """A line for each worked example that does not come out; the exit code is then 1."""
    wrong = [(formula, *pair) for formula in found for pair in formula.check()]
    for formula, example, value in wrong:
        values = ", ".join(f"{name}={number:g}" for name, number in example.values)
        click.echo(f"{formula.name}: {values} gives {value!r}, not {example.expected!r}")
    count = sum(len(formula.card.examples) for formula in found)
    click.echo(f"{count - len(wrong)} of {count} worked examples come out")
    if wrong:
        raise click.exceptions.Exit(1)


def _compute(
    formula: Formula,
    values: Sequence[str],
    units: Sequence[str],
    unit: str | None,
    outside: str,
    as_json: bool,
) -> None:
    given, own = _split_units(texts(values))
    twice = next((name for name in texts(units) if name in own), None)
    if twice is not None:
        raise click.UsageError(f"{twice} has a unit, {own[twice]}; --units gives it another")
    numbers: Any = {name: flux.evaluate(text) for name, text in given.items()}
    options: Any = {"units": {**texts(units), **own}, "unit": unit, "outside": outside}
    found = formula(**{**options, **numbers})  # an input may have the name of an option
    shown_unit = unit or formula.card.result.unit
    text = show_number(found) + ("" if shown_unit == "1" else f" {shown_unit}")
    show(as_json, text, found, unit=shown_unit)


_NUMBER_AND_UNIT = re.compile(r"\s*(-?\d[\d.]*(?:[eE][-+]?\d+)?)\s*([A-Za-z].*)")


def _split_units(values: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The text of each value, and the units of those that are a number with one: `97umol/L`."""
    found = {name: _NUMBER_AND_UNIT.fullmatch(text) for name, text in values.items()}
    numbers = {name: m[1] if (m := found[name]) else text for name, text in values.items()}
    return numbers, {name: m[2] for name, m in found.items() if m}


def _show(found: Sequence[Formula], asked: bool, latex: bool, as_json: bool) -> None:
    single = asked and len(found) == 1
    if as_json:
        objects = [_object(formula) for formula in found]
        show(True, "", objects[0] if single else objects)
    elif latex:
        click.echo("\n\n".join(formula.to_latex() for formula in found))
    else:
        listing = "\n".join(_listing(found)) or "there is no card in the text"
        click.echo(str(found[0]) if single else listing)


def _listing(found: Iterable[Formula]) -> Iterator[str]:
    """A line for each formula, below its topic."""
    for n, (topic, formulas) in enumerate(groupby(found, key=lambda formula: formula.topic)):
        yield f"{chr(10) if n else ''}{topic}"
        for formula in formulas:
            yield f"  {formula.name}  {formula.card.title}"


def _object(formula: Formula) -> dict[str, Any]:
    card = formula.card
    return {
        "name": card.name,
        "topic": formula.topic,
        "title": card.title,
        "text": card.text,
        "source": card.source,
        "checked": card.checked,
        "formula": str(formula.definition.text.span(formula.definition.tree).text).rstrip(),
        "latex": formula.to_latex(),
        "inputs": [_quantity(quantity) for quantity in card.inputs],
        "output": _quantity(card.result),
        "kinks": list(card.kinks),
        "examples": [
            {
                "values": dict(example.values),
                "expected": example.expected,
                "tolerance": example.tolerance,
                "by": example.by,
                "published": example.is_published,
            }
            for example in card.examples
        ],
    }


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {
        "name": quantity.name,
        "unit": quantity.unit,
        "low": quantity.low,
        "high": quantity.high,
        "low_of_source": quantity.low_of_source,
        "high_of_source": quantity.high_of_source,
        "meaning": quantity.meaning,
        "equivalents": list(quantity.equivalents),
    }
