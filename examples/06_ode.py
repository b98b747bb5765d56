"""A differential equation whose rate is fitted to measurements. Run: python examples/06_ode.py.

Logistic growth, dx/dt = r*x*(1 - x/K). Gauss-Newton needs the derivatives of the solution by r and
K; they are integrated beside it. The populations are Pearl's counts of yeast, hour by hour: Pearl,
The Growth of Populations (1927), The Quarterly Review of Biology 2, 532-548, after Carlson (1913).
"""

import numpy as np

import flux

GROWTH = {"x": "r*x*(1 - x/K)"}
hours = np.arange(19.0)
yeast = np.fromstring(
    "9.6 18.3 29.0 47.2 71.1 119.1 174.6 257.3 350.7 441.0 "
    "513.3 559.7 594.8 629.4 640.8 651.1 655.9 659.6 661.8",
    sep=" ",
)

names = ["r", "K", "x"]  # the rate, the capacity, and the start
values = {"r": 0.4, "K": 600.0, "x": 10.0}
steps = 0
while steps < 20:
    steps += 1
    found = flux.integrate_ode(GROWTH, values, t=(0, 18), at=hours, sensitivities=names)
    residual = yeast - found["x"]
    slopes = np.stack([found[f"dx/d{name}"] for name in names], axis=1)
    change, *_ = np.linalg.lstsq(slopes, residual, rcond=None)
    values = {name: values[name] + d for name, d in zip(names, change, strict=True)}
    if np.abs(change / list(values.values())).max() < 1e-9:
        break

variance = residual @ residual / (len(yeast) - len(names))
errors = np.sqrt(np.diag(variance * np.linalg.inv(slopes.T @ slopes)))
for name, error in zip(names, errors, strict=True):
    print(f"{name} = {values[name]:.5g} +- {error:.2g}")
print(f"after {steps} steps of Gauss-Newton, residuals of {np.sqrt(variance):.2g}")

# The closed form, fitted by the library's own least squares, says the same.
closed = "y = K/(1 + (K/x - 1)*exp(-r*t))"
expected = flux.fit(closed, {"t": hours, "y": yeast}, r=0.4, K=600, x=10)
assert found.completed
assert all(abs(values[n] / expected.values[n] - 1) < 1e-5 for n in names), expected
