"""Invert a fitted curve, well by well. Run: python examples/13_dose_response_plate.py.

The signal of an immunoassay follows a five-parameter logistic of the concentration (Gottschalk and
Dunn, Analytical Biochemistry 343 (2005), 54-65). The standards give its parameters; every sample's
concentration is then the root of one equation, a root a well, with a status.
"""

import numpy as np

import flux

CURVE = "bottom + (top - bottom)/(1 + (c/mid)^-slope)^skew"
TRUE = {"bottom": 0.08, "top": 2.4, "mid": 12.0, "slope": 1.3, "skew": 0.7}

random = np.random.default_rng(4)
standards = np.repeat(np.geomspace(0.5, 500, 10), 3)
signal = flux.compile(CURVE)({"c": standards, **TRUE})
signal = signal * random.normal(1, 0.01, signal.size)
fit = flux.fit(
    f"signal = {CURVE}",
    {"c": standards, "signal": signal},
    bottom=0.1, top=2.5, mid=10.0, slope=1.0, skew=1.0,
    weights=1 / signal**2,
)  # fmt: skip
print(fit)

# The wells: two dilutions of each sample, blanks, and one beyond the curve.
wells = np.array([f"{row}{column:02}" for row in "ABCDEFGH" for column in range(1, 13)])
known = random.uniform(2, 80, wells.size)
plate = {
    "well": wells,
    "signal": flux.compile(CURVE)({"c": known, **TRUE}),
    "dilution": np.where(np.arange(wells.size) % 2, 10.0, 1.0),
}
plate["signal"][0], plate["signal"][5] = 3.1, np.nan
given = ", ".join(f"{value!r}" for value in fit.values.values())
INVERSE = f"""
curve(c, {", ".join(fit.values)}) = {CURVE}
concentration = root(curve(c, {given}) - signal, c, 1e-3, 1e5)
in_sample = concentration*dilution
"""
scores, report = flux.score(plate, INVERSE, keep="well", report=True)
print(report)
for well in (0, 1, 5, 6):
    shown = (scores[name][well] for name in ("well", "concentration", "concentration_status"))
    print(*shown)

found = np.isfinite(scores["concentration"])
assert fit.converged
assert found.sum() == wells.size - 2
assert np.abs(scores["concentration"] / known - 1)[found].max() < 0.15
assert scores["concentration_status"][5] == "missing"
assert scores["concentration_status"][0] not in ("converged", "rounding", "missing")
