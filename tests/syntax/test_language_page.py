"""docs/language.md names everything there is, and its examples are in the language."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from flux import errors
from flux.ops import POINTWISE, Op
from flux.settings import Settings
from flux.syntax import load_text, parse
from flux.syntax.derivative import check_derivatives
from flux.syntax.functions import FUNCTION_NAMES, POINTWISE_FUNCTIONS
from flux.syntax.module import LIBRARY

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
TEXTS = re.findall(r"```flux\n(.*?)```", PAGE, re.DOTALL)
LIMITS = ("max_source_bytes", "max_depth", "max_nodes", "max_names", "max_literal", "max_errors")


@pytest.mark.parametrize("name", sorted(FUNCTION_NAMES))
def test_every_function_is_on_the_page(name: str) -> None:
    assert re.search(rf"`{name}[\[(`]", PAGE)


@pytest.mark.parametrize("name", list(next(LIBRARY._files())))
def test_every_definition_of_the_standard_library_is_on_the_page(name: str) -> None:
    assert re.search(rf"`{name}[\[(`]", PAGE)


@pytest.mark.parametrize("op", [op for op in POINTWISE if op.row.name in POINTWISE_FUNCTIONS])
def test_domains_and_results_are_those_of_the_operations(op: Op) -> None:
    (row,) = re.findall(rf"^\| `{op.row.name}\(.*$", PAGE, re.MULTILINE)
    *_, domain, result, _ = (cell.strip() for cell in row.split("|"))
    assert result == op.row.result.value
    wanted = op.row.domain or "everywhere"
    assert re.sub(r"\bx\b", "a", domain) == wanted


def test_every_error_is_on_the_page() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    for kind in kinds:
        if issubclass(kind, errors.FluxError) and kind is not errors.FluxError:
            assert f"| `{kind.__name__}` | {kind.code} |" in PAGE


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_is_on_the_page(name: str) -> None:
    default = {field.name: field.default for field in fields(Settings)}[name]
    assert f"| `{name}` | {default} |" in PAGE


@pytest.mark.parametrize("text", TEXTS)
def test_the_examples_are_in_the_language(text: str) -> None:
    if "layer" in text or "derivative" in text:
        module = load_text(text)
        for definition in module.models.values():
            assert definition.build().parameters
    else:
        parse(text)


def test_the_librarys_own_derivatives_are_right() -> None:
    checked = 0
    for name in LIBRARY.names():
        definition = LIBRARY.find(name)
        assert definition is not None
        assert list(check_derivatives(definition)) == []
        checked += len(definition.derivatives)
    assert checked > 0
