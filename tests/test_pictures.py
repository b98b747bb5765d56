"""The pictures of the pages: each is shown, small, and drawn by a row of the script."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
PAGES = {page: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
SHOWN = {
    name: page
    for page, text in PAGES.items()
    for name in re.findall(r"!\[[^\]]*\]\(pictures/([^)]+)\)", text)
}
_MOST_BYTES = 60_000


def script() -> ModuleType:
    pytest.importorskip("matplotlib")
    spec = importlib.util.spec_from_file_location("pictures", ROOT / "docs" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_picture_is_shown_and_drawn_by_the_script() -> None:
    drawn = script()
    made = {*drawn.COMMANDS, *drawn.PRINTED, *drawn.DRAWINGS}
    assert {file.name for file in FOLDER.iterdir()} == set(SHOWN) == made


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_picture_is_small_and_well_formed(name: str) -> None:
    file = FOLDER / name
    assert file.stat().st_size < _MOST_BYTES
    assert ElementTree.parse(file).getroot().tag.endswith("svg")


def test_a_page_shows_the_command_that_drew_its_picture() -> None:
    drawn = script()
    for name, words in {**drawn.COMMANDS, **drawn.PRINTED}.items():
        lines = PAGES[SHOWN[name]].splitlines()
        shown = [shlex.split(line)[1:] for line in lines if line.startswith("flux ")]
        assert any(line[: len(words)] == list(words) for line in shown), name


def test_a_printed_picture_is_what_the_command_prints() -> None:
    drawn = script()
    for name, words in drawn.PRINTED.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == drawn.printed(words)


def test_drawing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    drawn = script()
    for folder in (tmp_path / "first", tmp_path / "second"):
        drawn.write(folder)
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes()
