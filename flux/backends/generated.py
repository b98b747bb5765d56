"""The one place where generated Python source is executed.

The source comes from a verified Program and nothing else: it holds numbers and names that the
backend made (`v0`, `multiply`), and no text of any user. The names that it may use are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def define(source: str, name: str, names: Mapping[str, Any]) -> Callable[..., Any]:
    """Define the function `name` by executing generated source.

    Args:
        source: Python source made by a backend.
        name: the function that it defines.
        names: all that the source may refer to; builtins are not among them.
    """
    space: dict[str, Any] = {"__builtins__": {}, **names}
    exec(compile(source, "<flux program>", "exec"), space)
    function: Callable[..., Any] = space[name]
    return function
