"""Kidney function of everybody in a CSV file. Run: python examples/12_kidney_function.py.

Two published equations and a stage, in one pass over a file that may be larger than memory. The
equations come from the library with their valid ranges; what is outside is counted and flagged.
"""

import csv
import tempfile
from pathlib import Path

import numpy as np

import flux
from flux.scoring.files import score_file

KIDNEY = """
egfr = egfr_ckd_epi_2021(creatinine, age, sex == "F")   # mL/min per 1.73 m^2
stage = 1 + (egfr < 90) + (egfr < 60) + (egfr < 30) + (egfr < 15)
_mdrd = 175*creatinine^-1.154*age^-0.203*where(sex == "F", 0.742, 1)
difference = egfr - _mdrd
"""

folder = Path(tempfile.mkdtemp())
random = np.random.default_rng(0)
count = 20_000
with (folder / "people.csv").open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["id", "sex", "age", "creatinine", "site"])
    sex = random.choice(["F", "M"], count)
    age = random.integers(15, 95, count)
    creatinine = random.lognormal(0, 0.4, count).round(2)
    for i in range(count):
        value = "NA" if i % 500 == 7 else creatinine[i]
        rows.writerow([f"p{i}", sex[i], age[i], value, "a, ward 3"])

scorer = flux.scorer(KIDNEY, keep=["id", "age"], flag="check")
report = score_file(scorer, str(folder / "people.csv"), str(folder / "kidney.csv"), jobs=2)
print(report)
print(*(folder / "kidney.csv").read_text().splitlines()[:4], sep="\n")

with (folder / "kidney.csv").open(newline="") as file:
    found = list(csv.DictReader(file))
for i, row in enumerate(found):
    k, a, extra = (0.7, -0.241, 1.012) if sex[i] == "F" else (0.9, -0.302, 1)
    ratio = creatinine[i] / k
    wanted = 142 * min(ratio, 1) ** a * max(ratio, 1) ** -1.2 * 0.9938 ** age[i] * extra
    assert i % 500 == 7 or abs(float(row["egfr"]) / wanted - 1) < 1e-13
assert [row["id"] for row in found] == [f"p{i}" for i in range(count)]
assert report.missing["creatinine"].count == count / 500
assert report.outside["age"].count == sum(age < 18)
assert sorted(path.name for path in folder.iterdir()) == ["kidney.csv", "people.csv"]
