"""One published formula over a table of patients. Run: python examples/04_formula_over_table.py.

CKD-EPI 2021, creatinine: Inker et al., New England Journal of Medicine 385 (2021), 1737-1749.
Creatinine in mg/dL, age in years, 18 and older; result in mL/min per 1.73 m^2.
"""

import numpy as np

import flux

EGFR = """
kappa = where(female, 0.7, 0.9)
alpha = where(female, -0.241, -0.302)
ratio = creatinine/kappa
142 * min(ratio, 1)^alpha * max(ratio, 1)^-1.2 * 0.9938^age * where(female, 1.012, 1)
"""
random = np.random.default_rng(0)
table = {
    "age": random.uniform(18, 90, 100_000),
    "creatinine": random.lognormal(0, 0.4, 100_000),
    "female": random.integers(0, 2, 100_000),
}

egfr = flux.compile(EGFR)
values = egfr(table)
print(f"median eGFR of {len(values):,} people: {np.median(values):.1f}")
print(f"below 60: {(values < 60).mean():.1%}")

# How much the estimate falls with each year of age, at each person's own values.
slope = flux.compile(flux.parse(EGFR).diff("age"))(table)
print(f"median change a year: {np.median(slope):.2f}")

one = egfr(age=50.0, creatinine=1.0, female=0.0)
assert np.isclose(one, 142 * (1 / 0.9) ** -1.2 * 0.9938**50)
assert np.allclose(slope, values * np.log(0.9938))
