"""Profiles: every instruction once, with the costs of the listing, and a graph that adds up."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import flux
from flux.cli.entry import run
from flux.nn import decoding_programs
from flux.program import cost_of
from flux.training import PRESETS, LanguageModel, Tokenizer
from flux.training.profile import FRAMES, Profile, _fitting, flame_graph
from flux.training.step import Step
from flux.training.workload import Workload, step_profile, workload, writing_profile

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def language() -> LanguageModel:
    preset = replace(PRESETS["tiny"], batch=16)  # wide enough for functions over rows
    return LanguageModel(preset, Tokenizer("abcdefgh"), seed=0)


def _work(language: LanguageModel) -> Workload:
    return Workload(language.model, language.preset, language.tokenizer.size)


@pytest.fixture(scope="module")
def found(language: LanguageModel) -> Profile:
    return step_profile(_work(language), 3)


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


def _flops_of_lines(found: Profile, opcode: str) -> dict[str, int]:
    """Operations of the instructions of an opcode, by line of the text."""
    spent: dict[str, int] = {}
    for instruction, timed in found.instructions:
        if instruction.opcode == opcode:
            place = instruction.places[0] if instruction.places else None
            line = f"{place.source}:{place.line}" if place else ""
            spent[line] = spent.get(line, 0) + timed.flops
    return spent


def test_backward_products_belong_to_the_lines_of_the_forward_ones(
    language: LanguageModel, found: Profile
) -> None:
    lines = (Path(flux.__file__).parent / "library" / "layers.flux").read_text().splitlines()
    place = {text.split("#")[0].strip(): n for n, text in enumerate(lines, 1)}
    spent = _flops_of_lines(found, "contract")
    sizes, preset = language.model.sizes, language.preset
    tokens = preset.batch * preset.context
    maps = 2 * tokens * sizes["d"]
    wanted = {
        # A product forward is two of the same size backward, by the values and by the weights.
        "query = sum[d](x*Wq) + bq": 3 * maps * sizes["h"] * sizes["k"],
        "key = (sum[d](x*Wk) + bk)[t = s]": 3 * maps * sizes["h"] * sizes["k"],
        "value = (sum[d](x*Wv) + bv)[t = s]": 3 * maps * sizes["h"] * sizes["k"],
        "score = sum[k](query*key)/sqrt(size[k])": 3 * maps * preset.context,
        "sum[f](gelu_tanh(sum[d](x*W1) + b1)*W2) + b2": 6 * maps * sizes["f"],
    }
    for text, flops in wanted.items():
        assert spent[f"<library>/layers.flux:{place[text]}"] == pytest.approx(flops, rel=0.01), text


def test_an_instruction_belongs_to_the_layer_whose_text_it_works_for(found: Profile) -> None:
    lines = (Path(flux.__file__).parent / "library" / "layers.flux").read_text().splitlines()
    headers = {n: text for n, text in enumerate(lines, 1) if text.startswith("layer ")}
    seen = set()
    for instruction, _ in found.instructions:
        if instruction.opcode in ("map", "iota") or not instruction.places:
            continue
        place = instruction.places[0]
        if place.source == "<library>/layers.flux":
            header = max(n for n in headers if n < place.line)
            name = headers[header].split("[")[0].removeprefix("layer ")
            whose = instruction.layer.rpartition(".")[2].removesuffix("_1")
            assert name == whose or (name, whose) == ("block", "0"), (place, instruction.layer)
            seen.add(instruction.layer)
        elif place.source == "<library>/gpt.flux":
            assert instruction.layer == "gpt"
    parts = ("attention", "mlp", "layer_norm", "layer_norm_1")
    assert seen >= {"block.0", "layer_norm", *(f"block.0.{part}" for part in parts)}


def test_the_table_of_lines_names_their_layers_and_the_update_has_lines_too(found: Profile) -> None:
    rows = found.table("line", 1000).splitlines()
    assert any("layers.flux:" in row and "block.*.mlp" in row for row in rows)
    assert any("optimisers.flux:" in row and "all weights" in row for row in rows)
    (unknown,) = [row for row in rows if "(no line)" in row] or [""]
    assert not unknown or float(unknown.split()[1].rstrip("%")) < 5


def test_the_flame_graph_names_blocks_with_their_numbers(language: LanguageModel) -> None:
    two = LanguageModel(replace(language.preset, layers=2), Tokenizer("abc"), seed=0)
    graph = flame_graph(step_profile(_work(two), 2), "two blocks")
    for name in ("block.0", "block.1", "attention", "mlp"):
        assert f"<title>{name}: " in graph
    assert ">block.0</text>" in graph


@pytest.mark.parametrize(
    ("letters", "shown"),
    [(9, "attention"), (8, "attent.."), (5, "att.."), (4, ""), (0, ""), (-3, "")],
)
def test_a_name_is_cut_where_there_is_no_room(letters: int, shown: str) -> None:
    assert _fitting("attention", letters) == shown


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
    found = writing_profile(_work(language), 2)
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


_CURVE = """
model curve[h](x[r, i], y[r]):
    param W[i, h], c[h], out[h] ~ normal(0, 1)
    loss = mean[r](squared_error(sum[h](tanh(sum[i](x*W) + c)*out), y))
"""


def test_a_run_on_a_table_is_profiled_and_drawn_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "curve.flux").write_text(_CURVE)
    (tmp_path / "table.csv").write_text("x_0,x_1,y\n" + "1,2,3\n" * 40)
    given = ["--model", str(tmp_path / "curve.flux"), "--data", str(tmp_path / "table.csv")]
    sizes = ["--set", "sizes.h=3", "--set", "sizes.i=2", "--set", "batch=7", "--steps", "2"]
    path = str(tmp_path / "run")
    assert run(["train", *given, *sizes, "--out", path]) == 0
    assert workload(path).sizes == {"r": 7, "i": 2, "h": 3}
    capsys.readouterr()
    assert run(["profile", path, "--runs", "2"]) == 0
    assert "curve.flux:4  curve" in capsys.readouterr().out
    assert run(["graph", path]) == 0
    assert "x [r, i]" in capsys.readouterr().out
    assert run(["profile", path, "--writing"]) == 1
    assert "no value `logits`" in capsys.readouterr().err


def test_a_preset_is_drawn_at_its_own_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["graph", "small"]) == 0
    shown = capsys.readouterr().out
    assert "block.1.mlp" in shown
    assert "block.2" not in shown
    assert run(["graph", "small", "--size", "d=8"]) == 2
    assert "small has its own options and sizes" in capsys.readouterr().err


def test_a_preset_without_a_model_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["profile", "table"], ["graph", "table"], ["profile", "smal"]):
        assert run(words) == 1
    shown = capsys.readouterr().err
    assert shown.count("is no run, and no preset with a model") == 3
    assert "did you mean `small`" in shown
