"""What a long run has to survive, and the figures: python -m tests.soak --kills 200.

Each section is a file of this folder; `--only kills,bits` takes some of them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.soak import bits, corpus, disk, kills

Section = Callable[[Path, argparse.Namespace], str]

_SECTIONS: Mapping[str, Section] = {
    "kills": lambda folder, given: kills.soak(folder, given.kills, given.signals, given.seed),
    "disk": lambda folder, given: disk.soak(folder),
    "bits": lambda folder, given: bits.soak(folder, given.runs),
    "corpus": lambda folder, given: corpus.soak(folder, given.gigabytes),
}


def main() -> None:
    """Run the sections, and print a line of figures for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="runs ended by SIGKILL")
    parser.add_argument("--signals", type=int, default=100, help="runs told to stop")
    parser.add_argument("--runs", type=int, default=20, help="runs of one seed")
    parser.add_argument("--gigabytes", type=float, default=3, help="of the large corpus")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--only", default=",".join(_SECTIONS), help="sections, by commas")
    given = parser.parse_args()
    for name in given.only.split(","):
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as made:
            figures = _SECTIONS[name](Path(made), given)
        print(f"\r{name}: {figures} ({time.monotonic() - begun:,.0f} s)", flush=True)


if __name__ == "__main__":
    main()
