"""Progress curves of an enzyme over a table, and a fit. Run: python examples/09_progress_curve.py.

S + Km*log(S/S0) = S0 - Vmax*t says what is left of a substrate (mM) after a time (s): it is the
integral of dS/dt = -Vmax*S/(Km + S). It cannot be solved for S in elementary functions; over rows
it is solved by Newton's method. Schnell and Mendoza, Journal of Theoretical Biology 187 (1997),
207-212, write S with Lambert's W, which is the check below.
"""

import time

import numpy as np
from scipy.special import lambertw

import flux

PROGRESS = "S + Km*log(S/S0) = S0 - Vmax*t"

random = np.random.default_rng(0)
rows = 100_000
table = {
    "S0": random.uniform(1, 10, rows),
    "Km": random.uniform(0.5, 5, rows),
    "Vmax": random.uniform(0.05, 0.5, rows),
    "t": random.uniform(0, 20, rows),
}
began = time.perf_counter()
left = flux.solve(PROGRESS, table, S=(1e-12, table["S0"]))
print(left)
print(f"{rows / (time.perf_counter() - began):,.0f} rows a second")

# One assay: the times at which the substrate had fallen to given levels, read to 0.2 s. Time is an
# explicit function of the level, linear in 1/Vmax and Km/Vmax.
level = np.linspace(0.95, 0.05, 19) * 4.0
seconds = (4.0 - level + 1.5 * np.log(4.0 / level)) / 0.12 + random.normal(0, 0.2, level.size)
fit = flux.fit(
    "t = (S0 - S + km*log(S0/S))/vmax",
    {"t": seconds, "S": level},
    km=1.0,
    vmax=1.0,
    fixed={"S0": 4},
)
print(f"\n{fit}")
efficiency = fit.estimate("vmax/km")
print(f"Vmax/Km: {efficiency.value:.4f} +- {efficiency.error:.4f} a second")

s0, km, vmax, t = table.values()
exact = km * lambertw(s0 / km * np.exp((s0 - vmax * t) / km)).real
known = np.isfinite(exact)  # exp overflows in the others
assert left.converged.all()
assert known.mean() > 0.9
assert np.abs(left.root - exact)[known].max() < 1e-9
assert fit.converged
assert all(abs(fit[p] - true) < 4 * fit.errors[p] for p, true in {"km": 1.5, "vmax": 0.12}.items())
