"""`flux prs` and `flux assoc`: what they print and write, and that a kill leaves nothing half."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import flux
from flux.cli.entry import run
from tests.genotypes.cohorts import plain_score, simulate, weigh, write_weights

PRS = ("prs", "--genotypes", "c.bed", "--weights", "w.txt")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cohort = simulate(tmp_path / "c", people=30, variants=20)
    write_weights(tmp_path / "w.txt", weigh(cohort))
    return tmp_path


def test_scores_and_log_are_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["prs", "--weights", "w.txt", "--genotypes", "c.bed", "-o", "out.sscore"]) == 0
    shown = capsys.readouterr()
    assert "w: 20 of 20 rows (100.0%)" in shown.out
    assert "30 people -> out.sscore; rows of weights -> out.variants.tsv" in shown.out
    assert shown.err == ""
    lines = (folder / "out.sscore").read_text().splitlines()
    assert lines[0] == "##missing=mean imputation, frequencies of 27 founders; few"
    at = lines.index("#FID\tIID\tALLELE_CT\tNAMED_ALLELE_DOSAGE_SUM\tSCORE1_AVG\tSCORE1_SUM")
    cohort = simulate(folder / "c", people=30, variants=20)
    sums = [float(line.split("\t")[-1]) for line in lines[at + 1 :]]
    assert sums == pytest.approx(plain_score(cohort, weigh(cohort)), abs=1e-13)
    log = [line.split("\t") for line in (folder / "out.variants.tsv").read_text().splitlines()]
    assert log[0][:3] == ["#SCORE", "ROW", "ID"]
    assert [row[1] for row in log[1:]] == [str(i) for i in range(1, 21)]
    assert {row[9] for row in log[1:]} == {"used"}
    assert {len(row) for row in log} == {15}


def test_rows_that_are_left_out_have_their_reason_in_the_log(folder: Path) -> None:
    with (folder / "w.txt").open("a") as file:
        file.write("rs99\tA\t1\nrs0\tA\t1\nrs1\tACGT\t1\n")
    assert run(["prs", "--weights", "w.txt", "--genotypes", "c", "-o", "o.sscore.gz"]) == 0
    log = [line.split("\t") for line in (folder / "o.variants.tsv").read_text().splitlines()]
    assert [row[10] for row in log[-3:]] == [
        "not in the cohort",
        "duplicate of an earlier row",
        "alleles differ",
    ]
    assert gzip.decompress((folder / "o.sscore.gz").read_bytes()).startswith(b"##missing=mean")


def test_options_reach_the_scores(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (folder / "w.txt").read_text().splitlines()
    rows = [f"{line}\t{i / 20}" for i, line in enumerate(lines)]
    (folder / "p.txt").write_text("\n".join(["ID\tA1\tBETA\tP", *rows]) + "\n")
    (folder / "ranges").write_text("S1 0 0.25\nS2 0 1\n")
    (folder / "keep").write_text("F1 I1\nF2 I2\n")
    arguments = "prs --weights p.txt --weights w.txt --genotypes c.bed -o o.sscore --json"
    assert run([*arguments.split(), "--min-overlap", "0.5", "--missing", "none"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["result"] == "o.sscore"
    assert answer["scores"] == ["p", "w"]
    assert answer["files"]["w"] == {"rows": 20, "used": 20, "reasons": {"as is": 10, "swapped": 10}}
    assert answer["notes"]["missing"].startswith("no mean imputation")
    arguments = "prs --weights p.txt --genotypes c -o o.sscore --ranges ranges --among P"
    assert run([*arguments.split(), "--keep", "keep", "--effect", "dominant"]) == 0
    lines = (folder / "o.sscore").read_text().splitlines()
    head = next(line for line in lines if not line.startswith("##"))
    assert head.split("\t")[-2:] == ["p_S1_SUM", "p_S2_SUM"]
    assert lines[-1].startswith("F2\tI2\t")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("--weights no.txt --genotypes c.bed", "no file 'no.txt'"),
        ("--weights w.txt --genotypes no.bed", "no file 'no.fam'"),
        ("--weights w.txt --genotypes no", "no genotypes 'no'"),
        ("--weights w.txt --genotypes c.bed --effect x+1", "no formula of `x`"),
        ("--weights w.txt --genotypes c.bed --build GRCh38 --by position", "0 of 20 rows"),
    ],
)
def test_a_mistake_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: str, text: str
) -> None:
    assert run(["prs", *arguments.split(), "-o", "out.sscore"]) == 1
    assert text in capsys.readouterr().err
    assert not list(folder.glob("*out*"))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("prs --weights w.txt --genotypes c.bed -o c.bed", "'c.bed' is an input"),
        ("prs --weights w.txt --genotypes c -o ./c.fam", "'./c.fam' is an input"),
        ("prs --weights w.txt --genotypes c.bed -o w.txt", "'w.txt' is an input"),
        ("prs --weights w.txt --genotypes c.bed -o o --log c.bim", "'c.bim' is an input"),
        ("prs --weights w.txt --genotypes c.bed -o o --log o", "'o' is an input too, or another"),
        ("prs --weights w.txt --genotypes c.bed -o .", "the output '.' is a folder"),
        ("assoc --genotypes c.bed -o c.bim", "'c.bim' is an input"),
    ],
)
def test_an_input_is_not_written_over(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: str, text: str
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(arguments.split()) == 1
    assert text in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there is no /dev/null")
def test_beside_a_device_there_is_no_log(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*PRS, "-o", "/dev/null"]) == 2
    assert "--log is needed" in capsys.readouterr().err


def test_a_log_that_cannot_be_written_leaves_no_scores(folder: Path) -> None:
    (folder / "file").write_text("")
    assert run([*PRS, "-o", "o.sscore", "--log", "file/log"]) == 1
    assert not (folder / "o.sscore").exists()


def test_files_of_one_name_are_told_apart(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "w.txt").write_text("rs0\tA\t1\nrs1\tC\t1\n")
    assert run([*PRS, "--weights", "other/w.txt", "-o", "o.sscore"]) == 0
    lines = (folder / "o.sscore").read_text().splitlines()
    head = next(line for line in lines if not line.startswith("##")).split("\t")
    assert {"w_1_ALLELE_CT", "w_2_ALLELE_CT", "w_1_SUM", "w_2_SUM"} <= set(head)
    assert {"##weights w_1=w.txt, 20 of 20 rows", "##weights w_2=w.txt, 2 of 2 rows"} <= set(lines)
    log = [line.split("\t")[0] for line in (folder / "o.variants.tsv").read_text().splitlines()]
    assert (log.count("w_1"), log.count("w_2")) == (20, 2)


def test_statistics_are_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["assoc", "--genotypes", "c.bed", "-o", "s.tsv", "--also", "HET = n1/(n2+n1+n0)"]
    assert run(arguments) == 0
    assert capsys.readouterr().out == "20 variants -> s.tsv\n"
    lines = (folder / "s.tsv").read_text().splitlines()
    assert lines[0].split("\t")[-1] == "HET"
    assert len(lines) == 21
    assert run([*arguments[:5], "--also", "n1"]) == 2
    trait = "\n".join(["IID y", *(f"I{i} {i * i % 7}" for i in range(30))])
    (folder / "y").write_text(trait + "\n")
    assert run([*arguments[:5], "--traits", "y", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["variants"], answer["columns"][-1]) == (20, "P")


def test_pairs_have_a_table_of_their_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "pairs").write_text("rs1 rs2\nrs3 rs3\n")
    arguments = ["assoc", "--genotypes", "c.bed", "--pairs", "pairs", "-o", "ld.tsv"]
    assert run(arguments) == 0
    assert capsys.readouterr().out == "2 pairs -> ld.tsv\n"
    lines = [line.split("\t") for line in (folder / "ld.tsv").read_text().splitlines()]
    assert lines[0] == ["#ID_A", "ID_B", "R2"]
    assert float(lines[2][2]) == pytest.approx(1)
    assert run([*arguments, "--also", "H = n1"]) == 2
    assert run([*arguments, "--traits", "y"]) == 2
    assert run([*arguments, "--no-x-sex"]) == 2
    assert run([*arguments[:3], "-o", "s.tsv", *("--also", "H=n1") * 2]) == 2


def test_a_kill_leaves_the_old_output_or_the_whole_one(folder: Path) -> None:
    """Killed at many times, the output is what stood there, or complete; never a part."""
    out = folder / "out.sscore"
    out.write_text("old\n")
    command = [sys.executable, "-m", "flux", "prs", "--weights", "w.txt"]
    command += ["--genotypes", "c.bed", "-o", "out.sscore"]
    tree = {**os.environ, "PYTHONPATH": str(Path(flux.__file__).parents[1])}
    start = time.monotonic()
    assert subprocess.run(command, check=False, capture_output=True, env=tree).returncode == 0
    whole_s = time.monotonic() - start
    whole = out.read_text()
    assert len(whole.splitlines()) == 35
    quiet = subprocess.DEVNULL
    for part in range(8):
        out.write_text("old\n")
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=tree)
        time.sleep(whole_s * (0.5 + part / 12))
        process.kill()
        process.wait()
        assert out.read_text() in ("old\n", whole)
