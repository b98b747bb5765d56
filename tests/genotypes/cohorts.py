"""Simulated cohorts as PLINK 1 files, and scores of them written the plain way.

Nothing here is shared with the package: bytes are made genotype by genotype, sums are `math.fsum`.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.reliability.bounds import PATIENCE_S

PLINK = shutil.which("plink2")
needs_plink = pytest.mark.skipif(PLINK is None, reason="plink2 is not installed")

# Two bits by copies of A1: 2, 1, 0, and -1 for no call.
_BITS = {2: 0b00, -1: 0b01, 1: 0b10, 0: 0b11}
_PAIRS = (("A", "G"), ("C", "T"), ("G", "A"), ("T", "C"), ("A", "C"), ("G", "T"))


@dataclass
class Simulated:
    """Copies of A1, (V, N), -1 without a call; variants (chrom, id, position, A1, A2); people."""

    stem: Path
    copies: np.ndarray
    variants: list[tuple[str, str, int, str, str]]
    people: list[tuple[str, str, str, str, str, str]]

    @property
    def bed(self) -> Path:
        return Path(f"{self.stem}.bed")

    def write(self) -> Simulated:
        rows = [bytes([0x6C, 0x1B, 0x01])]
        for row in self.copies:
            codes = [_BITS[int(g)] for g in row]
            codes += [0] * (-len(codes) % 4)
            rows.append(
                bytes(
                    codes[i] | codes[i + 1] << 2 | codes[i + 2] << 4 | codes[i + 3] << 6
                    for i in range(0, len(codes), 4)
                )
            )
        self.bed.write_bytes(b"".join(rows))
        bim = [f"{c}\t{name}\t0\t{at}\t{a}\t{b}\n" for c, name, at, a, b in self.variants]
        Path(f"{self.stem}.bim").write_text("".join(bim))
        Path(f"{self.stem}.fam").write_text("".join(" ".join(p) + "\n" for p in self.people))
        return self


def simulate(
    stem: Path,
    people: int = 61,
    variants: int = 40,
    seed: int = 1,
    missing: float = 0.05,
    chroms: tuple[str, ...] = ("1", "2"),
) -> Simulated:
    """A cohort with missing calls; every tenth person is no founder."""
    random = np.random.default_rng(seed)
    share = random.uniform(0.1, 0.9, (variants, 1))
    copies = random.binomial(2, share, (variants, people)).astype(int)
    copies[random.random((variants, people)) < missing] = -1
    rows = [
        (chroms[i * len(chroms) // variants], f"rs{i}", 1000 + 10 * i, *_PAIRS[i % len(_PAIRS)])
        for i in range(variants)
    ]
    who = [
        (f"F{i}", f"I{i}", *(("F0", "F1") if i % 10 == 9 else ("0", "0")), str(i % 3), "-9")
        for i in range(people)
    ]
    return Simulated(stem, copies, rows, who).write()


def weigh(cohort: Simulated, seed: int = 2) -> list[tuple[str, str, float]]:
    """A weight for each variant, of A1 or A2 in turns: ID, effect allele, weight."""
    random = np.random.default_rng(seed)
    return [
        (name, a if i % 2 else b, round(float(random.normal(0, 0.1)), 6))
        for i, (_, name, _, a, b) in enumerate(cohort.variants)
    ]


def write_weights(path: Path, rows: list[tuple[str, str, float]]) -> Path:
    path.write_text("".join(f"{name}\t{allele}\t{weight}\n" for name, allele, weight in rows))
    return path


def plain_score(
    cohort: Simulated, rows: list[tuple[str, str, float]], missing: str = "mean"
) -> list[float]:
    """Additive scores of autosomes, a person at a time."""
    founders = [i for i, p in enumerate(cohort.people) if p[2] == p[3] == "0"]
    terms = []
    for name, allele, weight in rows:
        at = next(i for i, v in enumerate(cohort.variants) if v[1] == name)
        counts_a1 = cohort.variants[at][3] == allele
        known = [g if counts_a1 else 2 - g for g in cohort.copies[at][founders] if g >= 0]
        mean = math.fsum(known) / len(known) if known and missing == "mean" else 0.0
        effects = [mean if g < 0 else g if counts_a1 else 2 - g for g in cohort.copies[at]]
        terms.append([weight * effect for effect in effects])
    return [math.fsum(column) for column in zip(*terms, strict=True)]


def plink(folder: Path, *arguments: str, table: bool = True) -> dict[str, list[str]]:
    """Run PLINK 2; the columns of the table that it wrote, as texts."""
    assert PLINK is not None
    out = folder / "plink"
    command = [PLINK, *arguments, "--threads", "1", "--memory", "640", "--out", str(out)]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    assert found.returncode == 0, found.stdout + found.stderr
    if not table:
        return {}
    tables = [p for p in folder.glob("plink.*") if p.suffix != ".log"]
    assert len(tables) == 1, tables
    lines = [line.split() for line in tables[0].read_text().splitlines()]
    tables[0].unlink()
    return dict(zip(lines[0], (list(c) for c in zip(*lines[1:], strict=True)), strict=True))


def agree(mine: np.ndarray, printed: list[str], digits: int = 6) -> None:
    """Numbers agree with printed ones to the last of the digits that PLINK prints."""
    for value, text in zip(mine, printed, strict=True):
        if text in ("nan", "NA"):
            assert math.isnan(value)
            continue
        first = math.floor(math.log10(abs(value))) if value else -300
        half = 0.51 * 10.0 ** (first - digits + 1)
        assert abs(value - float(text)) <= max(half, 1e-14), (value, text)
