"""Folded graphs: all instructions, no edge back, and texts that other tools read."""

from __future__ import annotations

import re

import pytest

from flux.cli.entry import run
from flux.nn import Model
from flux.nn.gradcheck import all_sizes
from flux.nn.programs import value_program
from flux.program import Program, cost_of
from flux.program.graph import dot, fold, mermaid
from flux.training.library import graph


def program(name: str, **options: int) -> Program:
    made = graph(name, **options)
    sizes = all_sizes(made, {})
    return value_program(Model(made, sizes), made.result, None, sizes)


@pytest.mark.parametrize("name", ["gpt", "linear", "attention", "mlp", "rms_norm"])
def test_a_graph_has_every_instruction_and_no_edge_back(name: str) -> None:
    made = program(name)
    found = fold(made)
    assert sum(part.instructions for part in found.parts) == len(made.entry.instructions)
    assert sum(part.flops for part in found.parts) == cost_of(made).flops
    for source, target in found.edges:
        back = found.parts[source].kind == "layer" and source >= target
        assert not back
    used = {number for pair in found.edges for number in pair}
    assert used == set(range(len(found.parts)))


def test_layers_of_a_gpt_follow_one_another() -> None:
    names = [part.name for part in fold(program("gpt", layers=2)).parts if part.kind == "layer"]
    first = [names.index(f"block.{n}.{part}") for n in (0, 1) for part in ("attention", "mlp")]
    assert first == sorted(first)
    assert len(names) <= 4 * 2 + 6
    assert names[-1] == "gpt"


def test_both_languages_have_every_node_and_edge() -> None:
    found = fold(program("gpt", layers=1))
    for text, arrow in ((dot(found), r"n\d+ -> n\d+"), (mermaid(found), r"n\d+ -->\|.*\| n\d+")):
        assert len(re.findall(arrow, text)) == len(found.edges)
        assert all(f"  n{number}" in text for number in range(len(found.parts)))


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["graph", "gpt", "--option", "layers=1"]) == 0
    assert capsys.readouterr().out.startswith("flowchart TD")
    assert run(["graph", "linear", "--format", "dot", "--size", "d=3"]) == 0
    assert capsys.readouterr().out.startswith("digraph model {")
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert run(["graph", "linear", "--format", "svg"]) == 1
    assert "Graphviz is not installed" in capsys.readouterr().err
