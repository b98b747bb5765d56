"""The session of `flux repl`, driven line by line without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux.cli import repl
from flux.cli.entry import run
from flux.cli.explain import explained, known_functions
from flux.cli.session import Session
from flux.errors import FluxError
from tests.fuzz.inputs import make

TYPED = """\
1 + 2*3
x = 3
x^2 + y
f(t, k) = exp(-k*t)
diff(f(t, 2), t)
f(1, 0)
g(x):
    y = x^2
    y + 1

g(x)
log(x - 3)
f(1)
h(x) = log(x)
h(-1)
1 + + (
help sin
help atan2
help tanh
help softplus
help sum
help pi
help f
help sine
digits 40
pi
0.1 + 0.2
log(-1)
check 1 - cos(1e-8)
digits off
digits many
x = x + 1
ans
names
forget g
g(2)
forget nothing
e = 3
e^2
y = z + 1
z = y
z = 5
y
# a note
input q[d]
gelu_tanh(\N{DEGREE SIGN})
names = 3
names + 1
help
quit
"""


def transcript(session: Session, typed: str) -> str:
    shown = []
    for line in typed.splitlines():
        shown.append(f"{repl._MORE if session.pending else repl._PROMPT}{line}".rstrip())
        try:
            answer = session.feed(line)
        except FluxError as error:
            answer = str(error)
        if answer:
            shown.append(answer)
    return "\n".join(shown) + "\n"


def test_a_session_reads_as_it_should(golden: Callable[[str, str], None]) -> None:
    session = Session()
    shown = transcript(session, TYPED)
    assert session.done
    golden("repl.txt", shown)


def test_every_operation_and_library_function_is_explained() -> None:
    for name in known_functions():
        said = explained(name, {})
        assert name in said.splitlines()[0] or name == "random", said


def test_names_are_completed() -> None:
    session = Session()
    session.feed("dose = 3")
    session.feed("dosage(x) = 2*x")
    assert session.completions("dos") == ["dosage", "dose"]
    assert {"sin", "sinh", "sign", "sigmoid"} <= set(session.completions("si"))
    assert session.completions("zzz") == []


def test_a_broken_line_changes_nothing() -> None:
    session = Session()
    session.feed("x = 2")
    session.feed("f(t) = t + 1")
    for line in ("x = ", "f(t) = t +", "f(t, t) = 1", "x = log(-1)", "x = x[", "f(f) = f(f"):
        with pytest.raises(FluxError):
            session.feed(line)
    assert session.feed("f(x)") == "3"


def test_a_definition_replaces_one_of_the_same_name() -> None:
    session = Session()
    session.feed("f(t) = t")
    session.feed("f(t) = 2*t")
    assert session.feed("f(4)") == "8"


def test_a_value_that_is_needed_twice_may_grow() -> None:
    session = Session()
    session.feed("x = y")
    for _ in range(60):  # a graph of 60 shared nodes, a tree of 2^60
        session.feed("x = x*x")
    session.feed("y = 1")
    assert session.feed("x") == "1"


class Keys:
    """What a terminal would read: lines, interruptions, the end."""

    def __init__(self, *events: str | BaseException) -> None:
        self.events: Iterator[str | BaseException] = iter(events)
        self.prompts: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        event = next(self.events, EOFError())
        if isinstance(event, BaseException):
            raise event
        return event


def test_an_interruption_drops_the_line_and_keeps_the_session() -> None:
    shown: list[str] = []
    keys = Keys("x = 2", "f(t):", "    t +", KeyboardInterrupt(), "x + 1")
    assert repl.converse(Session(), keys, shown.append, shown.append)
    assert shown == ["x = 2", "", "3", ""]
    assert keys.prompts == ["flux> ", "flux> ", "  ... ", "  ... ", "flux> ", "flux> "]


def test_the_end_of_the_input_ends_a_definition_too() -> None:
    wrong: list[str] = []
    assert not repl.converse(Session(), Keys("f(t):", "    t +"), lambda _: None, wrong.append)
    assert "expected a value" in wrong[0]


def test_an_error_is_shown_and_the_session_goes_on() -> None:
    shown: list[str] = []
    wrong: list[str] = []
    assert not repl.converse(Session(), Keys("1 +", "2"), shown.append, wrong.append)
    assert shown[0] == "2"
    assert "expected a value" in wrong[0]


def test_from_a_pipe_there_are_answers_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter(["x = 2\n", "x^2\n", "log(0)\n"])
    stdin = SimpleNamespace(isatty=lambda: False, readline=lambda: next(lines, ""))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run(["repl"]) == 1
    printed = capsys.readouterr()
    assert printed.out.strip() == "x = 2\n4"
    assert "log(0) has no finite value" in printed.err


# ---- History -------------------------------------------------------------------------------------

FOLDERS = [
    ({"XDG_STATE_HOME": "/state"}, "linux", "/state/flux/history"),
    ({"HOME": "/home/u"}, "linux", "/home/u/.local/state/flux/history"),
    ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "darwin", "/h/.local/state/flux/history"),
    ({}, "linux", None),
    ({"HOME": ""}, "linux", None),
]


@pytest.mark.parametrize(("environment", "platform", "path"), FOLDERS)
def test_history_stands_in_the_state_folder(
    environment: dict[str, str], platform: str, path: str | None
) -> None:
    found = repl.history_file(environment, platform)
    assert (found and found.as_posix()) == path


def _with_readline(module: ModuleType | None, path: Path | None) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repl, "_readline", lambda: module)
        with repl.line_editing(Session(), path):
            pass


def test_history_is_written_and_read_for_this_user_only(tmp_path: Path) -> None:
    readline = pytest.importorskip("readline")
    path = tmp_path / "new" / "history"
    readline.clear_history()
    readline.add_history("1 + 1")
    _with_readline(readline, path)
    assert "1 + 1" in path.read_text(encoding="utf-8").replace("\\040", " ")
    assert path.stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    readline.clear_history()
    _with_readline(readline, path)
    assert readline.get_current_history_length() == 1


def test_without_readline_or_a_folder_nothing_fails(tmp_path: Path) -> None:
    readline = pytest.importorskip("readline")
    (tmp_path / "file").write_text("")
    _with_readline(None, tmp_path / "history")
    _with_readline(readline, None)
    _with_readline(readline, tmp_path / "file" / "history")  # its folder cannot be made
    assert not (tmp_path / "history").exists()


def test_completion_gives_one_name_after_another() -> None:
    complete = repl._completer(Session())
    found = [complete("asi", number) for number in range(3)]
    assert found == ["asin", "asinh", None]


# ---- Hostile lines -------------------------------------------------------------------------------


def refusal(session: Session, line: str) -> FluxError | None:
    try:
        session.feed(line)
    except FluxError as error:
        return error
    return None


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_any_line_is_answered_or_refused(line: str) -> None:
    session = Session()
    for text in (line, f"check {line}", f"help {line}", f"digits {line}", f"x = {line}", ""):
        error = refusal(session, text)
        assert error is None or str(error).isascii()


def test_generated_texts_are_answered_or_refused() -> None:
    session = Session()
    for index in range(120):
        for line in make(7, index).text.splitlines()[:6]:
            if refusal(session, line) is not None:
                session.cancel()
