"""One equation solved for a million rows: Kepler's. Run: python examples/05_kepler.py.

E - e*sin(E) = M gives the eccentric anomaly E, hence where a planet is, from the mean anomaly M,
which grows evenly with time. Kepler, Astronomia Nova (1609), chapter 60.
"""

import time

import numpy as np

import flux

KEPLER = "E - e*sin(E) = M"

one = flux.solve(KEPLER, E=(0, 7), e=0.2056, M=1.0)  # Mercury, a sixth of its year after perihelion
print(one)

random = np.random.default_rng(0)
eccentricity = random.uniform(0, 0.97, 1_000_000)
mean_anomaly = random.uniform(0, 2 * np.pi, 1_000_000)
began = time.perf_counter()
orbits = flux.solve(KEPLER, unknown="E", E=mean_anomaly, e=eccentricity, M=mean_anomaly)
print(orbits)
print(f"{len(orbits.root) / (time.perf_counter() - began):,.0f} roots a second")

residual = orbits.root - eccentricity * np.sin(orbits.root) - mean_anomaly
assert orbits.converged.all()
assert np.abs(residual).max() < 1e-10
assert abs(one.root - 0.2056 * np.sin(one.root) - 1) < 1e-12
