"""Every block of README.md and docs/ is run, read or checked, and its shown output compared.

    ```python    run; the blocks of a page share their names, from the top down
    ```console   lines after `$ ` are commands of `flux`, run; the other lines are what they print
    ```flux      definitions, or a formula: read; after `<!-- file: NAME -->` also written to a file
    ```sh        commands that take long, or change the machine: their names and options are checked
    ```text      directly below a python block: what that block prints

In output, `...` stands for any text. Between `<!-- generated: NAME -->` and `<!-- end -->` stands
what docs/tables.py makes; `pytest --update-golden` writes it there.
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flux.cli.commands import COMMANDS
from flux.cli.commands import flux as command_line
from flux.cli.entry import run
from flux.errors import FluxError
from flux.syntax import load_text, parse

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LANGUAGES = {"", "console", "flux", "python", "sh", "text", "{math}", "{toctree}"}

sys.path.insert(0, str(ROOT / "docs"))
from tables import TABLES, built, renewed  # noqa: E402  (a script beside the pages)


class Block(NamedTuple):
    """A fenced block: its place, language, text, the file that it is, and what it prints."""

    page: Path
    line: int
    language: str
    text: str
    file: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


_BLOCK = re.compile(
    r"^(?:<!-- file: (?P<file>\S+) -->\n\n?)?```(?P<language>[^\n]*)\n(?P<text>.*?)^```$"
    r"(?:\n+```text\n(?P<output>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


def _blocks(page: Path) -> Iterator[Block]:
    content = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(content):
        line = content.count("\n", 0, found.start("language")) + 1
        language = found["language"].strip()
        output = found["output"] if language == "python" else None
        yield Block(page, line, language, found["text"], found["file"] or "", output)


BLOCKS = {page: list(_blocks(page)) for page in PAGES}


def _names(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_the_blocks_of_a_page_do_what_it_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    for block in BLOCKS[page]:
        assert block.language in LANGUAGES, f"{block}: language {block.language!r}"
        if block.file:
            Path(block.file).write_text(block.text, encoding="utf-8")
        action = _ACTIONS.get(block.language)
        if action is not None:
            action(block, names)


def _run_python(block: Block, names: dict[str, Any]) -> None:
    # Blank lines put the code at its line of the page, so that a traceback points there.
    code = compile("\n" * block.line + block.text, str(block), "exec")
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, names)
    if block.output is not None:
        _compare(str(block), block.output, printed.getvalue())


def _run_console(block: Block, _: dict[str, Any]) -> None:
    for command, shown in _commands(block.text):
        program, *arguments = shlex.split(command)
        assert program == "flux", f"{block}: only `flux` is run in a console block"
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            run(arguments)
        _compare(f"{block}: {command}", shown, printed.getvalue())


def _commands(text: str) -> Iterator[tuple[str, str]]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        while command.endswith("\\"):
            more, _, shown = shown.partition("\n")
            command = command[:-1] + more
        yield command, shown


def _compare(place: str, shown: str, printed: str) -> None:
    wanted = re.escape(shown.strip()).replace(r"\.\.\.", ".*")
    assert re.fullmatch(wanted, printed.strip(), re.DOTALL), (
        f"{place} shows\n{shown}\nbut prints\n{printed}"
    )


def _read_flux(block: Block, _: dict[str, Any]) -> None:
    try:
        load_text(block.text, str(block))
    except FluxError:
        parse(block.text, str(block))


def _check_shell(block: Block, _: dict[str, Any]) -> None:
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            words = words[1:]
        if words:
            assert words[0] in _PROGRAMS, f"{block}: {line}"
            _PROGRAMS[words[0]](words[1:], f"{block}: {line}")


def _check_make(arguments: list[str], place: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in arguments:
        if "=" not in target:
            assert re.search(rf"^{target}:.*## ", makefile, re.MULTILINE), place


def _check_flux(arguments: list[str], place: str) -> None:
    name, *rest = arguments
    if not name.startswith("-"):
        assert name in COMMANDS, place
        root = command_line.make_context("flux", [name, *rest])
        command = command_line.get_command(root, name)
        assert command is not None
        command.make_context(name, rest, parent=root)  # it raises where an argument does not fit


def _check_python(arguments: list[str], place: str) -> None:
    if arguments[0].endswith(".py"):
        assert any((folder / arguments[0]).exists() for folder in (ROOT, Path())), place


def _check_mpiexec(arguments: list[str], place: str) -> None:
    option, number, program, *rest = arguments
    assert option == "-n", place
    assert number.isdigit(), place
    _PROGRAMS[program](rest, place)


_PROGRAMS: dict[str, Callable[[list[str], str], None]] = {
    "cd": lambda arguments, place: None,
    "flux": _check_flux,
    "git": lambda arguments, place: None,
    "make": _check_make,
    "mpiexec": _check_mpiexec,
    "pip": lambda arguments, place: None,
    "python": _check_python,
}
_ACTIONS: dict[str, Callable[[Block, dict[str, Any]], None]] = {
    "console": _run_console,
    "flux": _read_flux,
    "python": _run_python,
    "sh": _check_shell,
}


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_generated_parts_are_what_the_code_says(page: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    wanted = renewed(text)
    if request.config.getoption("--update-golden") and wanted != text:
        page.write_text(wanted, encoding="utf-8")
        text = wanted
    assert text == wanted, "run pytest --update-golden tests/test_docs.py and review the page"


@pytest.mark.parametrize("page", ["command-line", "names"])
def test_what_the_build_puts_in_can_be_made(page: str) -> None:
    text = built((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8"))
    assert "<!-- built" not in text
    assert text.count("## ") > 6


def test_every_table_stands_on_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for name in TABLES:
        assert re.search(rf"^<!-- (generated|built): {name} -->$", pages, re.MULTILINE), name


def test_every_error_has_an_example() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    found = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##)", page, re.DOTALL | re.MULTILINE))
    for kind in FluxError.__subclasses__():
        assert f"{kind.code} error: " in found[kind.__name__]


def test_every_pass_of_lowering_is_in_the_architecture() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for path in (ROOT / "flux" / "lower").glob("[a-z]*.py"):
        assert f"`flux/lower/{path.name}`" in page, path.name


_CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
_PATH = re.compile(r"`((?:flux|tests|docs|examples|grammar)/[\w./-]+)`")


@pytest.mark.parametrize("page", PAGES, ids=_names)
def test_links_and_paths_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in _LINK.findall(_CODE.sub("", text)):
        assert (page.parent / link).exists(), f"{page.name} links to {link}"
    for path in _PATH.findall(text):
        assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([\w-]+)$", index, re.MULTILINE))
    assert {page.stem for page in PAGES[1:]} - {"index"} <= listed
