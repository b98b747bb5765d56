"""The uncertainty of a result, to first order. Run: python examples/07_error_propagation.py.

The glomerular filtration rate from a clearance, U*V/P: creatinine in urine (mg/dL), urine (mL/min),
creatinine in plasma (mg/dL), each measured with an error.
"""

import numpy as np

import flux

CLEARANCE = "U*V/P"
one = flux.propagate(CLEARANCE, U=120.0, V=1.1, P=1.2, sd={"U": 5.0, "V": 0.08, "P": 0.06})
print(one)
drawn = one.monte_carlo(200_000, seed=0)
print(drawn)

# A table of patients, each with an uncertainty of its own, and two results that share their errors.
plasma = np.linspace(0.6, 6.0, 10_000)
table = flux.propagate(
    {"clearance": CLEARANCE, "per_day": "U*V*1.44"},
    {"U": 120.0, "V": 1.1, "P": plasma},
    sd={"U": 5.0, "V": 0.08, "P": 0.05 * plasma},
)
print(table)
correlation = table.covariance[0, 0, 1] / table.sd["clearance"][0] / table.sd["per_day"][0]
print(f"the two results correlate by {correlation:.2f}")

# Near the end of a domain, or where the slope vanishes, the first order says too little.
bent = flux.propagate("sqrt(x)", x=0.1, sd={"x": 0.1})
print(bent)

assert abs(drawn.sd / one.sd - 1) < 0.02
assert abs(drawn.mean - one.value - one.bias) < 0.1
assert not table.doubtful["clearance"].any()
assert bent.doubtful
assert bent.monte_carlo().failed > 0.1
