"""Profiles: every instruction once, with the costs of the listing, and a graph that adds up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from flux.cli.entry import run
from flux.nn import decoding_programs
from flux.program import cost_of
from flux.training import PRESETS, LanguageModel, Tokenizer
from flux.training.profile import FRAMES, Profile, flame_graph
from flux.training.step import Step
from flux.training.workload import step_profile, writing_profile

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def language() -> LanguageModel:
    preset = replace(PRESETS["tiny"], batch=16)  # wide enough for functions over rows
    return LanguageModel(preset, Tokenizer("abcdefgh"), seed=0)


@pytest.fixture(scope="module")
def found(language: LanguageModel) -> Profile:
    return step_profile(language, 3)


def test_the_costs_are_those_of_the_whole_program(language: LanguageModel, found: Profile) -> None:
    preset = language.preset
    sizes = {**language.model.sizes, "b": preset.batch, "t": preset.context}
    program = Step(language.model, preset.full_recipe(), sizes).program
    assert any(i.opcode == "map" for i in program.entry.instructions)
    spent = cost_of(program)
    rows = [timed for _, timed in found.instructions]
    assert sum(row.flops for row in rows) == spent.flops
    assert sum(row.bytes for row in rows) == spent.bytes


@pytest.mark.parametrize("kind", FRAMES)
def test_every_table_has_all_the_time(found: Profile, kind: str) -> None:
    whole = sum(timed.seconds for _, timed in found.instructions)
    rows = found.by(FRAMES[kind])
    assert sum(row.seconds for row in rows) == pytest.approx(whole)
    assert rows[0].seconds == max(row.seconds for row in rows) > 0
    lines = found.table(kind, 2).splitlines()
    assert lines[-1].endswith("total")
    assert f"and {len(rows) - 2} more" in lines[-2]


def test_the_flame_graph_adds_up(found: Profile) -> None:
    tree = ElementTree.fromstring(flame_graph(found, "<a> & b"))
    boxes: dict[float, list[tuple[float, float]]] = {}
    for group in tree.findall(f"{SVG}g"):
        box = group.find(f"{SVG}rect")
        assert box is not None
        x, y, width = (float(box.get(name, "")) for name in ("x", "y", "width"))
        boxes.setdefault(y, []).append((x, width))
    levels = [sorted(boxes[y]) for y in sorted(boxes)]
    assert sum(width for _, width in levels[0]) == pytest.approx(1200, abs=0.1)
    for above, level in pairwise(levels):
        for x, width in level:
            assert any(a - 0.02 <= x and x + width <= a + w + 0.02 for a, w in above)


def test_a_token_is_profiled_with_the_instructions_of_one_place(language: LanguageModel) -> None:
    model = language.model
    step = decoding_programs(model, model.graph.values["logits"], "tokens", "t", 32).step
    found = writing_profile(language, 2)
    assert len(found.instructions) == len(step.entry.instructions)


def test_a_clock_changes_no_bits(language: LanguageModel) -> None:
    from flux.backends.clock import Clock
    from flux.backends.runner import Runner
    from flux.nn import window_program

    model = language.model
    program = window_program(model, model.graph.values["logits"], "tokens", "t", 32)
    given = {**model.parameters.buffers, "tokens": np.zeros((1, 32), np.int64)}
    results = [Runner(program, clock=clock)(**given) for clock in (None, Clock())]
    for one, other in zip(*(r.values() for r in results), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_command_prints_a_table_and_writes_a_graph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["profile", "tiny", "--runs", "2", "--most", "3", "--svg", str(tmp_path / "f.svg")]
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert "GFLOP/s" in shown
    assert "100.0%" in shown
    ElementTree.parse(tmp_path / "f.svg")
    assert run(["profile", "tiny", "--writing", "--by", "opcode", "--runs", "2"]) == 0
    assert "contract" in capsys.readouterr().out
    assert run(["profile", str(tmp_path)]) == 1
