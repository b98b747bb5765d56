"""Install a wheel into an empty environment in another folder, and train there.

Run: python tests/install_wheel.py FOLDER_OF_THE_WHEEL
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

TRAIN = ("train", "--preset", "tiny", "--steps", "20", "--out", "run")
WRITE = ("generate", "run", "--prompt", "x -> ", "--length", "8")
HOME = "import flux, pathlib; print(pathlib.Path(flux.__file__).parent)"


def main(folder: str) -> int:
    wheels = sorted(
        Path(folder).resolve().glob("fluxparser-*.whl"), key=lambda p: p.stat().st_mtime
    )
    if not wheels:
        print(f"no wheel in {folder}: make wheel", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        elsewhere = Path(name)
        venv.create(elsewhere / "venv", with_pip=True)
        scripts = elsewhere / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
        options = ("--quiet", "--disable-pip-version-check")
        _run(elsewhere, scripts / "python", "-m", "pip", "install", *options, wheels[-1])
        home = _run(elsewhere, scripts / "python", "-c", HOME)
        assert Path(home.strip()).is_relative_to(elsewhere.resolve()), home
        print(_run(elsewhere, scripts / "flux", "eval", "a + b*2", "a=5", "b=10"), end="")
        print(_run(elsewhere, scripts / "flux", *TRAIN), end="")
        print(_run(elsewhere, scripts / "flux", *WRITE), end="")
    print(f"{wheels[-1].name} installs and trains")
    return 0


def _run(folder: Path, *command: object) -> str:
    found = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{found.stdout}{found.stderr}")
    return found.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
