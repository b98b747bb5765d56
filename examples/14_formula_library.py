"""Published formulas, whose units cannot be mistaken. Run: python examples/14_formula_library.py.

Needs pint (pip install "fluxparser[units]"). Each formula of the library knows its source, units
and valid range. A value in another unit is converted, also between mass and amount of substance,
since the card has the molar mass; what measures something else is refused, and so is a number that
no patient has.
"""

import numpy as np

import flux

egfr = flux.formulas.get("egfr_ckd_epi_2021")
print(egfr, "\n")

# Two laboratories report creatinine in two units.
boston = egfr(creatinine=1.09, age=55, female=0)
berlin = egfr(creatinine=96.4, age=55, female=0, units={"creatinine": "umol/L"})
print(f"{boston:.1f} and {berlin:.1f} {egfr.card.result.unit}")

# What the formula cannot take is an error that says why.
for values in ({"creatinine": 96.4}, {"creatinine": 96.4, "units": {"creatinine": "umol"}}):
    try:
        egfr(age=55, female=0, **values)
    except flux.FluxError as error:
        print(f"\n{error}")

# Risk over a cohort: rows outside the valid range, or with a missing value, are left out.
random = np.random.default_rng(0)
people = {
    "age": random.uniform(35, 85, 10_000),
    "total_cholesterol": random.uniform(4, 7, 10_000),
    "hdl": random.uniform(0.8, 2, 10_000),
    "sbp": random.uniform(100, 180, 10_000),
    **{flag: random.integers(0, 2, 10_000) for flag in ("treated", "smoker", "diabetes", "female")},
    "black": 0,
}
people["sbp"][:100] = np.nan
risk = flux.formulas.get("ascvd_2013")(
    **people, units={"total_cholesterol": "mmol/L", "hdl": "mmol/L"}, outside="nan"
)
known = np.isfinite(risk)
print(f"\nmedian risk of {known.sum()} people: {np.median(risk[known]):.1%}")

# How the risk answers to blood pressure: the exact derivative, a formula as well.
by_pressure = flux.formulas.get("ascvd_2013").expr.diff("sbp")
at = {"age": 55, "total_cholesterol": 213, "hdl": 50, "sbp": 140, "treated": 0, "smoker": 0}
more = by_pressure.evaluate(**at, diabetes=0, female=0, black=0)
print(f"10 mmHg more at 140: {10 * more:+.2%} of risk")

assert abs(boston - 80) < 0.5  # the calculator of the National Kidney Foundation
assert abs(boston - berlin) < 0.1
assert not known[:100].any()
assert (known == ((people["age"] >= 40) & (people["age"] <= 79) & ~np.isnan(people["sbp"]))).all()
