"""A dose-response curve, its EC50 and the interval. Run: python examples/08_dose_response.py.

The length of ryegrass roots (cm) under ferulic acid (mM): Inderjit, Streibig and Olofsdotter,
Physiologia Plantarum 114 (2002), 422-428; the data of the R package drc, whose four-parameter
log-logistic model has EC50 = 3.058 with a standard error of 0.186 (Ritz and Streibig, Journal of
Statistical Software 12(5), 2005).
"""

import numpy as np

import flux

DOSE = np.repeat([0, 0, 0.94, 1.88, 3.75, 7.5, 15, 30], 3)
LENGTH = [7.58, 8.0, 8.3285714, 7.25, 7.375, 7.9625, 8.3555556, 6.9142857, 7.75, 6.8714286, 6.45,
          5.9222222, 1.925, 2.8857143, 4.2333333, 1.1875, 0.8571429, 1.0571429, 0.6875, 0.525,
          0.825, 0.25, 0.22, 0.44]  # fmt: skip

fit = flux.fit(
    "length = bottom + (top - bottom)/(1 + (dose/ec50)^slope)",
    {"dose": DOSE, "length": LENGTH},
    bottom=0.0, top=8.0, ec50=5.0, slope=1.0,
)  # fmt: skip
print(fit)

low, high = fit.intervals()["ec50"]
print(f"\nEC50: {fit['ec50']:.3f} mM, 95% interval {low:.3f} to {high:.3f}")
ec90 = fit.estimate("ec50*9^(1/slope)")
print(f"EC90: {ec90.value:.2f} mM, 95% interval {ec90.low:.2f} to {ec90.high:.2f}")
band = fit.band(dose=[1.0, 3.0, 10.0])
for dose, at, down, up in zip([1, 3, 10], band.value, band.low, band.high, strict=True):
    print(f"at {dose} mM: {at:.2f} cm, {down:.2f} to {up:.2f}")

assert fit.converged
published = {"slope": 2.98222, "bottom": 0.48141, "top": 7.79296, "ec50": 3.05796}
assert all(np.isclose(fit[name], value, rtol=2e-5) for name, value in published.items())
assert np.isclose(fit.errors["ec50"], 0.18573, rtol=1e-3)
