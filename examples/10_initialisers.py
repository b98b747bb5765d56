"""Do embeddings made by number theory help? An ablation. Run: python examples/10_initialisers.py.

Add --full for the sizes of the table in docs/layers.md; without it everything is tiny, and shows
nothing but that it runs. With --full, none of them beats normal numbers by more than chance gives,
and permuting their rows changes nothing; Ulam's spiral is worse.
"""

import sys

import numpy as np
from sympy import Matrix
from threadpoolctl import threadpool_limits

import flux
from flux.training import Windows, calculus_corpus, calculus_lines

threadpool_limits(1)  # the matrices are too small to share out
FULL = "--full" in sys.argv
SEEDS, STEPS, TREES = (12, 300, 2_000) if FULL else (2, 3, 300)
WIDTH, CONTEXT, BATCH, SPREAD = 48, 32, 8, 0.02

corpus = calculus_corpus(calculus_lines(seed=0, trees=TREES, context=CONTEXT))
letters = sorted(set(corpus.training + corpus.validation))
training, validation = (
    np.array([letters.index(letter) for letter in text])
    for text in (corpus.training, corpus.validation)
)
V = len(letters)
SIZES = {"n": CONTEXT, "d": WIDTH, "h": 2, "k": WIDTH // 2, "f": 2 * WIDTH, "v": V}
GPT = flux.load_text("")["gpt"].build(layers=1)


def start(formula, seed):
    """The values of a parameter E[v, d] that starts as the formula says."""
    text = (
        f"model start[v, d](x[b]):\n    param E[v, d] ~ {formula}\n    mean[b](x)*mean[v, d](E)\n"
    )
    return flux.Model(flux.load_text(text)["start"].build(), SIZES, seed=seed).parameters["E"]


def standard(E):
    """Mean 0 and mean square SPREAD^2, as the others have."""
    E = E - E.mean()
    return SPREAD * E / E.std()


def reduced(E):
    """Short, nearly orthogonal vectors of the lattice that the rows span: LLL (1982)."""
    rows = np.rint(100 * E / SPREAD).astype(int).tolist()
    return np.array(Matrix(rows).to_DM().lll().to_Matrix().tolist(), float)


def permuted(E, seed):
    """The same rows for other tokens: what is left is the cloud, not who stands where."""
    return np.random.default_rng(seed).permutation(E)


def norm_matched(E, seed):
    """Random directions with the rows' own lengths: what is left is their size."""
    R = start(f"normal(0, {SPREAD})", seed)
    return R * np.linalg.norm(E, axis=1, keepdims=True) / np.linalg.norm(R, axis=1, keepdims=True)


def by_formula(formula):
    return lambda seed: start(f"{formula}({SPREAD})", seed)


MADE = {
    name: by_formula(f"{name}[v, d]") for name in ("prime_lattice", "ulam_spiral", "golden_angle")
}
VARIANTS = {
    "normal": lambda seed: start(f"normal(0, {SPREAD})", seed),
    "uniform": lambda seed: start(f"uniform(-1, 1)*{SPREAD * 3**0.5}", seed),
}
for name, make in MADE.items():
    VARIANTS[name] = make
    VARIANTS[f"{name}, permuted"] = lambda seed, make=make: permuted(make(seed), seed)
    VARIANTS[f"{name}, norm-matched"] = lambda seed, make=make: norm_matched(make(seed), seed)
LLL = standard(reduced(MADE["prime_lattice"](0)))
LOG_GCD = standard(np.log(np.gcd.outer(np.arange(1, V + 1), np.arange(1, WIDTH + 1))))
VARIANTS["prime_lattice, LLL-reduced"] = lambda seed: LLL
VARIANTS["log-gcd"] = lambda seed: LOG_GCD

model = flux.Model(GPT, SIZES)
batches = [Windows(training, CONTEXT, BATCH, seed) for seed in range(SEEDS)]
held_out = Windows(validation, CONTEXT, BATCH, 0, site="validation")
now = {"seed": 0}
trainer = flux.Trainer(
    model,
    data=lambda step: batches[now["seed"]](step),
    learning_rate=3e-3,
    warm_up=STEPS // 10,
    steps=STEPS,
)
ZERO = {name: np.zeros_like(array) for name, array in trainer.state().items()}


def validation_loss(make, seed):
    """The validation loss after training from this embedding; the seed decides all else."""
    now["seed"] = seed
    trainer.load_state(ZERO, step=0)
    model.initialise(seed)
    model.parameters["E"][:] = make(seed)
    trainer.run(STEPS)
    return np.mean([model.loss(**held_out(n)) for n in range(50 if FULL else 2)])


losses = {
    name: np.array([validation_loss(make, seed) for seed in range(SEEDS)])
    for name, make in VARIANTS.items()
}
print(f"{'embedding':<30} {'validation loss':>18} {'against normal':>20}")
for name, found in losses.items():
    apart = found - losses["normal"]
    error = apart.std(ddof=1) / SEEDS**0.5
    print(
        f"{name:<30} {found.mean():8.4f} +- {found.std(ddof=1) / SEEDS**0.5:.4f}"
        f" {apart.mean():+10.4f} +- {error:.4f}"
    )

assert all(np.isfinite(found).all() for found in losses.values())
scales = [np.sqrt((make(0) ** 2).mean()) for make in VARIANTS.values()]
assert np.allclose(scales, SPREAD, rtol=0.1)  # all start at one size
