"""The wheel holds all that Flux needs, and runs where there is no checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.reliability.bounds import PATIENCE_S

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout, without network."""
    from hatchling.builders.wheel import WheelBuilder

    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(iter(WheelBuilder(str(ROOT)).build(directory=str(folder)))))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content only."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_is_pure_python_and_named(wheel: Path) -> None:
    assert wheel.name == f"fluxparser-{PROJECT['version']}-py3-none-any.whl"


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "flux").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert names == package | {"flux/syntax/flux.lark"}
    kinds = {Path(name).suffix for name in names} | {Path(name).name for name in names}
    assert {".flux", ".lark", "table.json", "py.typed"} <= kinds


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    (points,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
    text = archive.read(metadata).decode("utf-8")
    for line in ("Name: fluxparser", "License-Expression: MIT", "Requires-Python: >=3.11"):
        assert line in text.splitlines()
    for extra in PROJECT["optional-dependencies"]:
        assert f"Provides-Extra: {extra}" in text.splitlines()
    assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert "flux = flux.cli:main" in archive.read(points).decode("utf-8")


# Trains in an empty folder, and notes every file of the checkout that is opened on the way.
SCRIPT = """
import json, pathlib, sys
home, checkout, environment = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
sys.path.insert(0, str(home))
seen = []
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        path = pathlib.Path(arguments[0]).absolute()
        if path.is_relative_to(checkout) and not path.is_relative_to(environment):
            seen.append(str(path))
sys.addaudithook(note)
import flux
from flux.cli.entry import run
code = run(["train", "--preset", "tiny", "--steps", "3", "--out", "run"])
print(json.dumps([code, str(pathlib.Path(flux.__file__).resolve().parent.parent), seen]))
"""


def test_the_wheel_trains_elsewhere_and_reads_nothing_of_the_checkout(
    elsewhere: Path, tmp_path: Path
) -> None:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(elsewhere), str(ROOT), sys.prefix],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    code, home, opened = json.loads(found.stdout.splitlines()[-1])
    assert (code, home, opened) == (0, str(elsewhere.resolve()), [])
    assert list((tmp_path / "run").glob("*.safetensors"))


def test_the_version_is_the_same_everywhere() -> None:
    import flux

    assert flux.__version__ == PROJECT["version"]
