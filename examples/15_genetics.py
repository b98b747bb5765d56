"""Map functions with their inverses, and tests of equilibrium. Run: python examples/15_genetics.py.

Haldane and Kosambi turn a recombination fraction into a map distance; the distance at which a cross
shows 20 percent recombinants is found from either side. Hardy-Weinberg equilibrium is tested over a
hundred thousand variants at once, exactly and by chi-square.
"""

import numpy as np

import flux

get = flux.formulas.get

fractions = np.linspace(0.01, 0.45, 5)
for name in ("haldane", "kosambi"):
    distances = get(f"{name}_distance")(fractions)
    back = get(f"{name}_recombination")(distances)
    print(f"{name:8} {np.array2string(distances, precision=2)} cM")
    assert np.allclose(back, fractions, rtol=1e-14)

# The inverse in closed form, and by Newton's method on the formula itself.
closed = get("haldane_distance")(0.2)
found = flux.solve("haldane_recombination(d) = 0.2", d=10.0)
print(f"20 percent recombinants: {closed:.4f} cM, {found.root:.4f} cM by Newton's method")
assert abs(found.root - closed) < 1e-9

# Genotypes of 2,000 people at 100,000 variants; the last hundred have too few heterozygotes.
random = np.random.default_rng(1)
people, variants = 2_000, 100_000
frequency = random.uniform(0.01, 0.5, variants)
inbred = np.where(np.arange(variants) < variants - 100, 0.0, 0.25)
p, q = frequency, 1 - frequency
shares = np.stack(
    [p * p + inbred * p * q, 2 * p * q * (1 - inbred), q * q + inbred * p * q], axis=1
)
counts = dict(zip(("n_aa", "n_ab", "n_bb"), random.multinomial(people, shares).T, strict=True))

exact = get("hardy_weinberg_exact")(**counts)
chi2 = get("hardy_weinberg_p_value")(**counts)
low = exact < 0.05 / variants
print(
    f"exact test: {low[:-100].sum()} of {variants - 100} rejected, {low[-100:].sum()} of 100 inbred"
)
print(f"inbreeding of those: {np.mean(get('inbreeding_coefficient')(**counts)[-100:]):.3f}")

# At common variants the two tests agree; at rare ones chi-square is too eager.
common = frequency > 0.2
print(f"largest difference at common variants: {np.abs(exact - chi2)[common].max():.3f}")
assert low[:-100].sum() < 5
assert low[-100:].sum() > 30
assert np.abs(exact - chi2)[common].max() < 0.1
