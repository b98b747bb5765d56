"""Units: what is converted, by which factor, and what is refused, with its reason."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import numpy as np
import pint
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.errors import ArgumentError, FluxError, ParseError, UnknownNameError
from flux.formulas import Quantity, conversion, split_unit
from flux.formulas.unit_text import read_unit
from flux.formulas.units import unit_conversion


def quantity(unit: str, *equivalents: str) -> Quantity:
    return Quantity("x", unit, 0.0, 1.0, "what is measured", tuple(equivalents))


# The unit of a card with its equivalents; a unit; the value in the card's unit of 0 and of 1.
CONVERTED = [
    (("mg/dL",), "mg/dL", 0, 1),
    (("mg/dL",), "mg / dL", 0, 1),
    (("mg/dL",), "g/L", 0, 100),
    (("mg/dL",), "mg/100 mL", 0, 1),
    (("mg/dL", "113.12 g/mol"), "umol/L", 0, 0.011312),
    (("mg/dL", "113.12 g/mol"), "micromole / liter", 0, 0.011312),
    (("mmol/L", "180.156 g/mol"), "mg/dL", 0, 10 / 180.156),
    (("mmol/L", "386.65 g/mol"), "g/L", 0, 1000 / 386.65),
    (("uIU/mL", "6 nmol/IU"), "pmol/L", 0, 1 / 6),
    (("uIU/mL", "6 nmol/IU"), "mU/L", 0, 1),
    (("mmol/L", "1 Eq/mol"), "mEq/L", 0, 1),
    (("mg/dL", "40.078 g/mol", "2 Eq/mol"), "mEq/L", 0, 2.0039),
    (("mg/dL", "40.078 g/mol", "2 Eq/mol"), "mmol/L", 0, 4.0078),
    (("year",), "day", 0, 1 / 365.25),
    (("kg/m^2",), "pound/inch**2", 0, 0.45359237 / 0.0254**2),
    (("cm",), "m", 0, 100),
    (("m^2",), "cm2", 0, 1e-4),
    (("mmHg",), "kPa", 0, 1000 / 133.322387415),
    (("mL/min/1.73 m^2",), "mL/min/1.73m2", 0, 1),
    (("mL/min/1.73 m^2",), "mL/min/m^2", 0, 1.73),
    (("mL/min",), "L/day", 0, 1000 / 1440),
    (("1",), "%", 0, 0.01),
    (("1",), "percent", 0, 0.01),
    (("percent",), "1", 0, 100),
    (("0 or 1",), "1", 0, 1),
    (("0 or 1",), "0 or 1", 0, 1),
    (("degC",), "degF", -160 / 9, -155 / 9),
    (("degC",), "K", -273.15, -272.15),
    (("K",), "degC", 273.15, 274.15),
]


@pytest.mark.parametrize(("card", "unit", "zero", "one"), CONVERTED)
def test_a_value_is_converted(card: tuple[str, ...], unit: str, zero: float, one: float) -> None:
    found = unit_conversion(quantity(*card), unit)
    assert found(0.0) == pytest.approx(zero, rel=1e-14, abs=1e-14)
    assert found(1.0) == pytest.approx(one, rel=1e-12)
    assert found.inverse(found(0.7)) == pytest.approx(0.7, rel=1e-12)


REFUSED: list[tuple[tuple[str, ...], str, type[FluxError], str]] = [
    (("mg/dL",), "umol/L", ArgumentError, "gives no molar mass"),
    (("mg/dL", "113.12 g/mol"), "umol", ArgumentError, "[substance] is not [mass]*[length]^-3"),
    (("mg/dL", "113.12 g/mol"), "IU/L", ArgumentError, "[international_unit]"),
    (("kg",), "m", ArgumentError, "[length] is not [mass]"),
    (("1",), "m", ArgumentError, "[length] is not a plain number"),
    (("0 or 1",), "year", ArgumentError, "is in 0 or 1"),
    (("mg/dL",), "mgg/dL", UnknownNameError, "did you mean `mg`?"),
    (("m",), "__class__", UnknownNameError, "no unit `__class__`"),
    (("m",), "degC", ArgumentError, "[temperature]"),
    (("K/m",), "degC/m", ArgumentError, "zero of its own"),
    (("m",), "dBm", ArgumentError, "is not [length]"),
    (("mg/dL",), "", ParseError, "no unit"),
    (("mg/dL",), " ", ParseError, "no unit"),
    (("mg/dL",), "mg//dL", ParseError, "no unit"),
    (("mg/dL",), "mg/dL)", ParseError, "no unit"),
    (("mg/dL",), "mg/(dL", ParseError, "not closed"),
    (("mg/dL",), "mg/", ParseError, "ends too early"),
    (("mg/dL",), "mg^x", ParseError, "whole number"),
    (("mg/dL",), "mg^10", ParseError, "whole number"),
    (("mg/dL",), "mg^0", ParseError, "whole number"),
    (("mg/dL",), "(mg^9)^9", ParseError, "too high a power"),
    (("mg/dL",), "0 mg", ParseError, "size 0"),
    (("mg/dL",), "1e99 1e99 mg", ParseError, "too large"),
    (("mg/dL",), "(" * 20 + "1e9" + "^9)" * 20, ParseError, "too large"),
    (("mg/dL",), "(" * 101, ParseError, "too many characters"),
    (("mg/dL",), "mg/dL; rm", ParseError, "no unit"),
    (("mg/dL",), "\u00b5mol/L", ParseError, "no unit"),
]


@pytest.mark.parametrize(("card", "unit", "kind", "words"), REFUSED)
def test_a_value_is_refused_with_the_reason(
    card: tuple[str, ...], unit: str, kind: type[FluxError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        unit_conversion(quantity(*card), unit)
    assert words in str(caught.value)


@settings(max_examples=300)
@given(st.text(alphabet="mgkLsoldeIUEq/*^() 1.73%-_", max_size=16))
def test_any_text_is_a_unit_or_an_error_of_flux(text: str) -> None:
    try:
        found = read_unit(text)
    except ParseError:
        return
    assert found.scale > 0
    assert all(0 < abs(exponent) <= 9 for _, exponent in found.powers)
    with suppress(ArgumentError, UnknownNameError):
        assert unit_conversion(quantity("mg/dL", "113.12 g/mol"), text).factor > 0


def test_conversion_is_by_card_and_name() -> None:
    card = flux.formulas.get("egfr_ckd_epi_2021").card
    assert conversion(card, "creatinine", "umol/L").factor == pytest.approx(0.011312)
    assert conversion(card, "creatinine", pint.UnitRegistry().Unit("umol/L")).factor == 0.011312
    assert conversion(card, "egfr", "mL/min/1.73 m^2").is_identity
    with pytest.raises(UnknownNameError, match="no input `creatinin`") as caught:
        conversion(card, "creatinin", "mg/dL")
    assert "did you mean `creatinine`?" in str(caught.value)


def test_the_molar_masses_of_cards_give_the_factors_of_laboratories() -> None:
    factors = [
        ("egfr_ckd_epi_2021", "creatinine", "umol/L", 1 / 88.4),
        ("homa_ir", "glucose", "mg/dL", 1 / 18.02),
        ("ldl_friedewald", "total_cholesterol", "mmol/L", 38.67),
        ("ldl_friedewald", "triglycerides", "mmol/L", 88.57),
        ("calcium_corrected", "calcium_total", "mmol/L", 4.008),
        ("homa_ir", "insulin", "pmol/L", 1 / 6.0),
    ]
    for name, value, unit, factor in factors:
        card = flux.formulas.get(name).card
        assert conversion(card, value, unit).factor == pytest.approx(factor, rel=1e-3)


def test_a_quantity_is_split() -> None:
    registry = pint.UnitRegistry()
    assert split_unit(registry.Quantity(3.0, "mg/dL")) == (3.0, "milligram / deciliter")
    assert split_unit(3.0) == (3.0, "")


def test_a_list_of_quantities_is_of_one_unit() -> None:
    """NumPy would drop the units of its parts with a warning."""
    registry = pint.UnitRegistry()
    one, two = registry.Quantity(1.0, "mg/dL"), registry.Quantity([2.0], "mg/dL")
    assert split_unit([one, one]) == ([1.0, 1.0], "milligram / deciliter")
    magnitudes, unit = split_unit((two, two))
    assert (len(magnitudes), unit) == (2, "milligram / deciliter")
    for other in (registry.Quantity(1.0, "umol/L"), 1.0):
        with pytest.raises(ArgumentError, match="carry different units"):
            split_unit([one, other])
    with pytest.raises(ArgumentError, match="none, milligram / deciliter"):
        split_unit([one, 1.0])


def test_a_unit_is_never_dropped_in_silence() -> None:
    """Where nothing converts it, a quantity is refused: 97 umol/L is not 97 mg/dL."""
    registry = pint.UnitRegistry()
    text, value = "egfr_ckd_epi_2021(c, 54, 0)", registry.Quantity(97.0, "umol/L")
    array = registry.Quantity(np.array([97.0, 80.0]), "umol/L")
    for carried in (value, array, [value], [[value, value]]):
        for call in (flux.evaluate, lambda t, c: flux.compile(t)(c=c)):
            with pytest.raises(ArgumentError, match="`c` carries a unit"):
                call(text, c=carried)
    assert flux.score({"c": array}, f"e = {text}")["e"][0] == pytest.approx(80.01, abs=5e-3)


def test_without_pint_the_error_names_the_extra() -> None:
    code = """
import sys
sys.modules["pint"] = None
import flux
egfr = flux.formulas.get("egfr_ckd_epi_2021")
assert round(egfr(1.09, 55, 0, units={"creatinine": "mg/dL"})) == 80
try:
    egfr(96, 55, 0, units={"creatinine": "umol/L"})
except flux.FluxError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "fluxparser[units]"' in found.stdout
