"""The methods of Expr that live in this folder: `str(e)`, `to_latex`, `evaluate`.

Each is imported when it is first used, so that importing `flux.expr` stays cheap; `flux` imports
the evaluator itself, as a one-shot evaluation imports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flux.expr.node import Expr, provide, service
from flux.expr.traverse import inputs


def provide_services() -> None:
    """Put this folder's functions behind the methods of Expr."""
    provide("text", _text)
    provide("latex", _latex)
    provide("evaluate", _evaluate)


def _text(e: Expr) -> str:
    from flux.expr.print_text import to_text

    return to_text(e)


def _latex(e: Expr) -> str:
    from flux.expr.print_latex import to_latex

    return to_latex(e)


def _evaluate(e: Expr, mapping: Mapping[str, Any], values: dict[str, Any]) -> Any:
    given = {**mapping, **values}
    if "digits" in values and all(x.attributes.name != "digits" for x in inputs(e)):
        del given["digits"]
        return service("digits")(e, values["digits"], given)
    from flux.expr.evaluate import evaluate

    return evaluate(e, given)
