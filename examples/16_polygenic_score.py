"""Polygenic scores from genotypes to a plot. Run: python examples/16_polygenic_score.py.

A trait with 300 causal variants of 2,000 is simulated in 1,500 people, half of them are used to
estimate weights, and the scores of the other half are compared with the truth.
"""

import tempfile
from pathlib import Path

import numpy as np

import flux

PEOPLE, VARIANTS, CAUSAL, HERITABILITY = 1_500, 2_000, 300, 0.6
random = np.random.default_rng(11)
folder = Path(tempfile.mkdtemp())

# Genotypes: copies of the first allele, 2% without a call, as PLINK 1 files.
share = random.uniform(0.05, 0.95, (VARIANTS, 1))
copies = random.binomial(2, share, (VARIANTS, PEOPLE))
codes = np.array([0b11, 0b10, 0b00], np.uint8)[copies]
codes[random.random(codes.shape) < 0.02] = 0b01
four = codes.reshape(VARIANTS, -1, 4)
packed = four[..., 0] | four[..., 1] << 2 | four[..., 2] << 4 | four[..., 3] << 6
(folder / "c.bed").write_bytes(bytes([0x6C, 0x1B, 0x01]) + packed.tobytes())
bim = [f"{1 + i // 100} v{i} 0 {1000 + i} A G\n" for i in range(VARIANTS)]
(folder / "c.bim").write_text("".join(bim))
fam = [f"0 P{i} 0 0 {1 + i % 2} -9\n" for i in range(PEOPLE)]
(folder / "c.fam").write_text("".join(fam))

# The trait: effects of standardised genotypes, and noise.
effect = np.zeros((VARIANTS, 1))
effect[random.permutation(VARIANTS)[:CAUSAL]] = random.normal(size=(CAUSAL, 1))
genetic = ((copies - 2 * share) / np.sqrt(2 * share * (1 - share)) * effect).sum(axis=0)
genetic *= np.sqrt(HERITABILITY) / genetic.std()
trait = genetic + random.normal(0, np.sqrt(1 - HERITABILITY), PEOPLE)

# Weights from the first half, by one regression a variant.
first = [f"P{i}" for i in range(PEOPLE // 2)]
found = flux.assoc(folder / "c.bed", traits={"trait": trait}, keep=first)
rows = ["chr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\tp"]
rows += [
    f"{chrom}\t{at}\tA\tG\t{beta:.6g}\t{p:.6g}"
    for chrom, at, beta, p in zip(*(found[c] for c in ("#CHROM", "POS", "BETA", "P")), strict=True)
]
(folder / "weights.txt").write_text("\n".join(rows) + "\n")

# Scores of the second half, of the best variants and of all.
ranges = {"p<0.001": (0, 1e-3), "p<0.05": (0, 0.05), "all": (0, 1)}
scores = flux.prs(
    folder / "weights.txt", folder / "c.bed", remove=first, ranges=ranges, among="p"
)  # fmt: skip
print(scores.summary())
truth = trait[PEOPLE // 2 :]
r = [np.corrcoef(column, truth)[0, 1] for column in scores.sums.T]
for name, group, value in zip(ranges, scores.groups, r, strict=True):
    print(f"{name:8} {group.rows:5} variants  r = {value:.3f}")

from matplotlib.figure import Figure  # noqa: E402  (the extra `plot`)

figure = Figure(figsize=(7, 3.5), layout="constrained")
left, right = figure.subplots(1, 2)
standard = (scores.sums - scores.sums.mean(axis=0)) / scores.sums.std(axis=0)
left.hist(standard[:, -1], bins=40)
left.set(xlabel="score (standard deviations)", ylabel="people")
right.plot(standard[:, -1], truth, ".", alpha=0.5)
right.set(xlabel="score", ylabel="trait")
figure.savefig(folder / "scores.png", dpi=120)
print(f"the distribution of scores: {folder / 'scores.png'}")

expected = np.where(codes == 0b01, np.nan, copies)[:, PEOPLE // 2 :]
expected = np.where(np.isnan(expected), np.nanmean(expected, axis=1, keepdims=True), expected)
weights = np.array([float(row.split("\t")[4]) for row in rows[1:]])
assert np.allclose(scores.sums[:, -1], weights @ expected, rtol=0, atol=1e-9)
assert max(r) > 0.3
