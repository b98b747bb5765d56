"""What a stage makes, printed while compiling: `FLUX_DUMP=program python script.py`.

The text goes to standard error, so that a program's own output stays as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from flux.settings import current

STAGES = ("ast", "expr", "gradient", "program")


def dump(stage: str, text: Callable[[], str]) -> None:
    """Print what a stage made, where the setting `dump` names that stage.

    Args:
        stage: one of STAGES.
        text: makes the text; it is called only where it is wanted.
    """
    assert stage in STAGES
    if current().dump == stage:
        print(f"# {stage}\n{text()}", file=sys.stderr)
