"""The command line: `flux COMMAND ...`, one file per command.

`main` prepares the process before NumPy can load, runs the command, and is the one place where
errors are caught: they are shown on standard error, and become the exit code.

Exit codes: 0 done, 1 an error in what was given, 2 wrong usage, 130 interrupted, 143 terminated.
"""

from __future__ import annotations

from flux.cli.entry import main

__all__ = ["main"]
