"""The preset `calculus-long`, asked for derivatives that it has not seen.

python -m tests.proof.calculus [--run FOLDER] [--asked 1000] [--plot FILE.svg]

Without --run, `flux train --preset calculus-long` is run first, within ten minutes of one core. At
least half of the answers are to equal the derivative exactly.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from time import process_time

from flux.cli.entry import run
from flux.cli.eval_model import lines_of
from flux.cli.machine import limit_blas
from flux.cli.pace import Pace
from flux.training import Marks, load_language_model, mark, read_run
from tests.proof.chart import Bar, bars_svg, write

PRESET = "calculus-long"
LEAST = 0.5
MOST_S = 600


def main() -> None:
    """Mark a run; exit 1 where fewer than half of its answers are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--asked", type=int, default=1_000)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    limit_blas()
    with tempfile.TemporaryDirectory() as made:
        marks = _marked(options.run or _trained(Path(made) / "run"), options.asked)
    print(f"{marks}\n{marks.table()}")
    if options.plot:
        title = f"{PRESET}: derivatives exactly right, of {marks.asked} held out"
        write(options.plot, bars_svg(title, [_bar(n, m) for n, m in marks.by_group().items()]))
    sys.exit(marks.model < LEAST * marks.asked)


def _trained(folder: Path) -> Path:
    began = process_time()
    assert run(["train", "--preset", PRESET, "--out", str(folder)]) == 0
    seconds = process_time() - began
    print(f"trained and asked in {seconds:.0f} s of one core; {MOST_S} are allowed")
    return folder


def _marked(folder: Path, asked: int) -> Marks:
    saved = read_run(folder)
    telling = Pace().counter("answers", asked)
    return mark(load_language_model(folder), lines_of(saved), asked, saved.origin.seed, telling)


def _bar(name: str, marks: Marks) -> Bar:
    share = marks.model / marks.asked
    return Bar(name, share, f"{marks.model} of {marks.asked}, {share:.0%}")


if __name__ == "__main__":
    main()
