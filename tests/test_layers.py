"""Imports point down: read from the sources by `ast`, so that a lazy import counts too."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "flux"

# From the top down. Those of one row do not import each other; `flux/__init__.py` sees everything.
LAYERS = [
    ["cli"],
    ["genotypes"],
    ["training", "scoring"],
    ["formulas"],
    ["nn", "numeric"],
    ["compiler"],
    ["compiled", "precision"],
    ["backends"],
    ["lower"],
    ["program"],
    ["calculus", "syntax"],
    ["expr"],
    ["kernels"],
    ["drawing", "dump", "scalars", "philox"],
    ["erfc32", "polygamma", "gamma", "ops", "settings", "files"],
    ["errors"],
    ["source"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# A backend sees a Program and nothing above it: not how it was made.
FORBIDDEN = {("backends", name) for name in ("lower", "calculus", "syntax", "expr")}
FORBIDDEN |= {("program", name) for name in ("calculus", "syntax", "expr")}


def _files():
    return sorted(PACKAGE.rglob("*.py"))


def _layer(module):
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _imports(path):
    """The modules of Flux that a file imports, with line numbers."""
    for tree in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(tree, ast.Import):
            yield from ((alias.name, tree.lineno) for alias in tree.names)
        elif isinstance(tree, ast.ImportFrom):
            assert tree.level == 0, f"{path}:{tree.lineno}: a relative import"
            yield tree.module, tree.lineno
            if tree.module == "flux":
                yield from ((f"flux.{alias.name}", tree.lineno) for alias in tree.names)


def _edges():
    for path in _files():
        where = path.relative_to(ROOT).with_suffix("")
        source = _layer(".".join(where.parts))
        if source in ("__init__", "__main__"):
            continue
        for module, line in _imports(path):
            if module.split(".")[0] == "flux" and _layer(module) != source:
                yield source, _layer(module), f"{path.relative_to(ROOT)}:{line} imports {module}"


def test_every_part_of_the_package_has_a_layer():
    parts = {_layer(f"flux.{p.name.removesuffix('.py')}") for p in PACKAGE.iterdir() if _is_part(p)}
    assert parts - set(RANK) == set()


def _is_part(path):
    if path.is_dir():
        return any(path.glob("*.py"))
    return path.suffix == ".py" and not path.name.startswith("__")


def test_imports_point_down():
    wrong = [
        edge
        for source, target, edge in _edges()
        if target in RANK and (RANK[source] >= RANK[target] or (source, target) in FORBIDDEN)
    ]
    assert wrong == []


def test_no_public_name_is_a_submodule():
    front = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    public = [
        ast.literal_eval(tree.value)
        for tree in front.body
        if isinstance(tree, ast.Assign) and [ast.unparse(t) for t in tree.targets] == ["__all__"]
    ]
    names = {name for listed in public for name in listed}
    parts = {path.stem for path in PACKAGE.iterdir() if _is_part(path)}
    assert names & parts == set()


@pytest.mark.parametrize("path", _files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_part_evaluates_text(path):
    """No eval, and exec or compile in the one module that runs code made from Programs."""
    called = {
        tree.func.id
        for tree in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)
    }
    allowed = {"exec", "compile"} if path.relative_to(PACKAGE).as_posix() in EXECUTES else set()
    assert called & {"eval", "exec", "compile", "__import__"} - allowed == set()


EXECUTES = {"backends/generated.py"}
