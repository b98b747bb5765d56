"""Reading touches nothing outside: no file, no import, no generated code; and threads agree."""

from __future__ import annotations

import ast
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flux.syntax
from flux.expr import Expr
from flux.syntax.module import Library

PROGRAM = """
import sys
import flux.syntax
assert "lark" not in sys.modules and "numpy" not in sys.modules
events = []
sys.addaudithook(lambda event, args: events.append(event))
flux.syntax.parse("a + b*2")
flux.syntax.parse("y = sigmoid(x)\\nwhere(y < 1, y, 2)")
flux.syntax.parse("input q[t, d]\\nsoftmax[d](q)")
flux.syntax.load_text("f(x) = x^2")
for text in ("foo(1)", "1 +", "x[t = 1]", "x \\u2212 y"):
    try:
        flux.syntax.parse(text)
    except flux.FluxError:
        pass
allowed = {"object.__getattr__", "object.__setattr__"}
print(sorted(set(events) - allowed))
"""


def test_reading_opens_imports_and_executes_nothing() -> None:
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_the_source_never_evaluates_text() -> None:
    banned = {"eval", "exec", "compile", "__import__", "globals", "pickle"}
    for path in Path(flux.syntax.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Name):
                assert node.id not in banned, f"{path.name}:{node.lineno}"


def test_threads_read_the_library_once_and_agree() -> None:
    names = ["sigmoid", "softmax", "layer_norm", "gpt", "adamw", "cross_entropy"] * 4
    library = Library()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(library.find, names))
    assert all(
        made is not None and made.name == name for made, name in zip(found, names, strict=False)
    )
    assert len({id(made) for made in found}) == 6


def test_threads_get_the_same_nodes() -> None:
    texts = [f"sigmoid(x + {i % 7})*gelu(y)" for i in range(200)]

    def read(text: str) -> Expr:
        return flux.syntax.parse(text)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, texts))
    assert all(e is flux.syntax.parse(text) for e, text in zip(found, texts, strict=True))
