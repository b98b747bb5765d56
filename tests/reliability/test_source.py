"""No code is reached from text: what the source of Flux itself may not contain (T1)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import flux

_ROOT = Path(flux.__file__).parent
FILES = sorted(_ROOT.rglob("*.py"))

GENERATED = "backends/generated.py"  # the one module that executes source, made by a backend

# Modules that run code, load objects or reach the network from data.
_MODULES = frozenset(
    (
        *("pickle", "cPickle", "dill", "marshal", "shelve", "code", "codeop", "runpy", "imp"),
        *("socket", "http", "urllib", "ftplib", "smtplib", "ssl", "xmlrpc", "requests"),
        *("subprocess", "pty", "ctypes", "cffi", "yaml", "joblib"),
    )
)
_CALLS = frozenset(("eval", "exec", "compile", "__import__", "input", "breakpoint"))
_ATTRIBUTE_CALLS = frozenset(("getattr", "setattr", "delattr", "vars", "globals", "locals"))

# Where a rule is broken on purpose: what, and why no text of a user can reach it.
ALLOWED = {
    (GENERATED, "exec"): "executes what a backend wrote from a verified Program",
    (GENERATED, "compile"): "the same",
    ("backends/scalar_code.py", "format"): "fills a template of its own with generated names",
    (
        "calculus/sympy_bridge.py",
        "getattr",
    ): "functions and constants of SymPy, from our own tables",
    (
        "calculus/sympy_reader.py",
        "getattr",
    ): "classes and assumptions of SymPy, from our own tables",
    ("calculus/worker.py", "subprocess"): "starts this Python on our own module, to run SymPy in",
    ("cli/graph.py", "subprocess"): "starts Graphviz, which reads a graph that we wrote",
    ("training/sample.py", "getattr"): "field names of our own dataclass",
    ("expr/node.py", "vars"): "the slots of Expr, by the names in its own source",
    ("genotypes/vcf.py", "format"): "the field of a record, by the library's method",
    ("lower/emit.py", "getattr"): "one of the fields a, b, out of a dimension",
    ("lower/matmul.py", "getattr"): "the same",
    ("numeric/brent.py", "getattr"): "the fields of a record",
    ("numeric/brent.py", "setattr"): "the same",
    ("numeric/descent.py", "getattr"): "the fields of a record",
    ("numeric/descent.py", "setattr"): "the same",
    ("numeric/safeguarded.py", "getattr"): "the fields of a record",
    ("numeric/safeguarded.py", "setattr"): "the same",
    ("program/store.py", "getattr"): "the fields of a record, from its table",
    ("syntax/tree.py", "getattr"): "the fields of a class of trees",
    ("training/config.py", "getattr"): "the fields of a preset and a recipe",
    ("training/progress.py", "format"): "fills forms of its own with the figures of a report",
    ("training/presets.py", "getattr"): "the fields of a preset",
    ("training/recipe.py", "getattr"): "the fields of a recipe",
    ("training/start.py", "getattr"): "the fields of a preset, by names of its own",
    ("__init__.py", "getattr"): "public names, from a table of its own",
    ("__init__.py", "globals"): "keeps a public name that was looked up once",
}


def _where(path: Path) -> str:
    return path.relative_to(_ROOT).as_posix()


def _violations(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for found in ast.walk(tree):
        line = getattr(found, "lineno", 0)
        if isinstance(found, ast.Import):
            yield from ((a.name, line) for a in found.names if a.name.split(".")[0] in _MODULES)
        elif isinstance(found, ast.ImportFrom):
            if (found.module or "").split(".")[0] in _MODULES:
                yield found.module or "", line
        elif isinstance(found, ast.Call):
            yield from ((what, line) for what in _called(found))


def _called(call: ast.Call) -> Iterator[str]:
    function = call.func
    if isinstance(function, ast.Name):
        by_name = function.id in _ATTRIBUTE_CALLS and not _is_literal(call.args[1:2])
        if by_name or function.id in _CALLS:
            yield function.id
    elif isinstance(function, ast.Attribute):
        fills = function.attr in ("format", "format_map")
        if function.attr == "import_module" or (fills and not _is_text(function.value)):
            yield function.attr
        elif any(keyword.arg == "allow_pickle" for keyword in call.keywords):
            yield "allow_pickle"


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant)


def _is_literal(arguments: list[ast.expr]) -> bool:
    return all(isinstance(argument, ast.Constant) for argument in arguments) and bool(arguments)


def _broken(source: str) -> list[str]:
    return [what for what, _ in _violations(ast.parse(source))]


@pytest.mark.parametrize("path", FILES, ids=_where)
def test_no_text_becomes_code(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [(w, n) for w, n in _violations(tree) if (_where(path), w) not in ALLOWED]
    assert not found, f"{_where(path)}: {found}"


def test_every_exception_to_the_rule_is_still_needed() -> None:
    used = {
        (_where(path), what)
        for path in FILES
        for what, _ in _violations(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert set(ALLOWED) <= used


@pytest.mark.parametrize(
    "source",
    [
        "eval(text)",
        "exec(text)",
        "compile(text, 'f', 'exec')",
        "__import__(name)",
        "getattr(numpy, name)",
        "setattr(numpy, name, 1)",
        "text.format(x)",
        "import pickle",
        "from subprocess import run",
        "import urllib.request",
        "globals()[name]",
        "importlib.import_module(name)",
        "numpy.load(path, allow_pickle=True)",
    ],
)
def test_the_lint_sees_what_it_forbids(source: str) -> None:
    assert _broken(source)


@pytest.mark.parametrize("source", ["getattr(x, 'columns', None)", "'{}'.format(1)"])
def test_the_lint_lets_constants_pass(source: str) -> None:
    assert not _broken(source)


def test_only_one_module_executes_source() -> None:
    calling = [
        path for path in FILES if {"exec", "eval", "compile"} & set(_broken(path.read_text()))
    ]
    assert [_where(path) for path in calling] == [GENERATED]
