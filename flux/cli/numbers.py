"""Numbers as the command line prints them."""

from __future__ import annotations

_EXACT_INTEGERS = 2.0**53


def show_number(value: float) -> str:
    """The shortest text that reads back as the same number; whole numbers without a point."""
    number = float(value)
    if number.is_integer() and abs(number) < _EXACT_INTEGERS:
        return "-0.0" if repr(number) == "-0.0" else str(int(number))
    return repr(number)
