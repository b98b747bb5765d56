"""Optional packages, imported when they are needed; an error names the extra that has them."""

from __future__ import annotations

from typing import Any

from flux.errors import ArgumentError


def pyarrow(what: str = "Arrow and Parquet") -> Any:
    """The package pyarrow, which `what` needs.

    Raises:
        ArgumentError: it is not installed.
    """
    try:
        import pyarrow as found
    except ModuleNotFoundError:
        raise ArgumentError(
            f"{what} need the package pyarrow", hint="pip install 'fluxparser[tables]'"
        ) from None
    return found


def parquet() -> Any:
    """Its module for Parquet.

    Raises:
        ArgumentError: it is not installed.
    """
    pyarrow()
    import pyarrow.parquet as found

    return found


def has_pyarrow() -> bool:
    """Whether pyarrow is installed."""
    try:
        pyarrow()
    except ArgumentError:
        return False
    return True
