"""The methods of Expr that live in this folder: text outputs, `evaluate`, what a node consists of.

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
    provide("mathml", _mathml)
    provide("python", _python)
    provide("c", _c)
    provide("dot", _dot)
    provide("svg", _svg)
    provide("evaluate", _evaluate)
    provide("free_names", _free_names)
    provide("count_ops", _count_ops)


def _text(e: Expr) -> str:
    from flux.expr.print_text import to_text

    return to_text(e)


def _latex(e: Expr) -> str:
    from flux.expr.print_latex import to_latex

    return to_latex(e)


def _mathml(e: Expr) -> str:
    from flux.expr.print_mathml import to_mathml

    return to_mathml(e)


def _python(e: Expr, name: str) -> str:
    from flux.expr.print_python import to_python

    return to_python(e, name)


def _c(e: Expr, name: str) -> str:
    from flux.expr.print_c import to_c

    return to_c(e, name)


def _dot(e: Expr) -> str:
    from flux.expr.print_dot import to_dot

    return to_dot(e)


def _svg(e: Expr) -> str:
    from flux.expr.print_svg import to_svg

    return to_svg(e)


def _free_names(e: Expr) -> tuple[str, ...]:
    from flux.expr.facts import free_names

    return free_names(e)


def _count_ops(e: Expr) -> int:
    from flux.expr.facts import count_ops

    return count_ops(e)


def _evaluate(e: Expr, mapping: Mapping[str, Any], values: dict[str, Any]) -> Any:
    given = {**mapping, **values}
    if "digits" in values and all(x.attributes.name != "digits" for x in inputs(e)):
        del given["digits"]
        return service("digits")(e, values["digits"], given)
    from flux.expr.evaluate import evaluate

    return evaluate(e, given)
