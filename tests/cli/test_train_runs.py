"""`flux train` with configurations, models and tables of one's own, and damaged folders."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from flux.cli.entry import run
from flux.cli.machine import usable_cores
from flux.training import BEST, CHECKPOINT, Sharing, checkpoint
from tests.reliability.bounds import PATIENCE_S, ROOM

TEXT = "the cat sat on a mat, the dog on a log\n" * 60
SMALL = ["--preset", "tiny", "--width", "16", "--context", "16", "--batch", "4"]
CURVE = """
model curve[h](x[b], y[b]):
    param W[h], c[h], out[h] ~ normal(0, 1)
    found = sum[h](tanh(x*W + c)*out)
    loss = mean[b](squared_error(found, y))
"""
BIGRAM = """
model bigram[v](tokens[b, t]: int, targets[b, t]: int):
    param E[v, w] ~ normal(0, 0.02)
    logits = E[v = tokens][w = v]
    loss = mean[b, t](cross_entropy(logits, targets))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, models, and a finished run."""
    made = tmp_path_factory.mktemp("runs")
    (made / "text.txt").write_text(TEXT, encoding="utf-8")
    (made / "curve.flux").write_text(CURVE, encoding="utf-8")
    (made / "bigram.flux").write_text(BIGRAM, encoding="utf-8")
    x = np.linspace(-3, 3, 200)
    table = "".join(f"{a},{np.sin(a)},note\n" for a in x)
    (made / "table.csv").write_text("x,y,what\n" + table, encoding="utf-8")
    np.savez(made / "table.npz", x=x, y=np.where(np.arange(200) == 100, np.nan, np.sin(x)))
    words = [*SMALL, "--data", str(made / "text.txt"), "--steps", "60", "--save-every", "20"]
    assert run(["train", *words, "--out", str(made / "whole")]) == 0
    return made


def state(folder: Path, name: str, file: str = CHECKPOINT) -> checkpoint.Checkpoint:
    return checkpoint.load(folder / name / file)


def same(a: checkpoint.Checkpoint, b: checkpoint.Checkpoint) -> bool:
    return a.arrays.keys() == b.arrays.keys() and all(
        array.tobytes() == b.arrays[name].tobytes() for name, array in a.arrays.items()
    )


def test_the_folder_holds_all_of_a_run(folder: Path) -> None:
    names = {path.name for path in (folder / "whole").iterdir()} - {"loss.png", ".lock"}
    assert names == {
        "config.toml",
        "metrics.jsonl",
        "samples.txt",
        CHECKPOINT,
        BEST,
        "previous-1.safetensors",
        "previous-2.safetensors",
    }
    steps = [state(folder, "whole", f"previous-{n}.safetensors").about["step"] for n in (1, 2)]
    assert steps == [40, 20]
    rows = [json.loads(line) for line in (folder / "whole/metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 60
    assert {"loss", "validation", "perplexity", "bits_per_character", "learning_rate"} <= set(
        rows[-1]
    )
    best = state(folder, "whole", BEST).about
    assert best["best"] == min(row["validation"] for row in rows if row["validation"] is not None)


def test_its_configuration_trains_the_same_once_more(folder: Path) -> None:
    words = ["--config", str(folder / "whole/config.toml"), "--out", str(folder / "again")]
    assert run(["train", *words]) == 0
    assert same(state(folder, "whole"), state(folder, "again"))


def test_a_damaged_checkpoint_costs_one_save_and_no_bits(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder / "whole", folder / "damaged")
    newest = folder / "damaged" / CHECKPOINT
    content = bytearray(newest.read_bytes())
    content[-100] ^= 4
    newest.write_bytes(content)
    assert run(["train", "--resume", str(folder / "damaged")]) == 0
    shown = capsys.readouterr().err
    assert "is damaged" in shown
    assert "previous-1.safetensors, of step 40, is used" in shown
    assert same(state(folder, "whole"), state(folder, "damaged"))
    lines = (folder / "damaged/metrics.jsonl").read_text().splitlines()
    steps = [json.loads(line)["step"] for line in lines]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize("threads", ["1", "2", "batch:2", "blas:2", "auto"])
def test_runs_of_one_seed_have_the_same_bits(threads: str, folder: Path) -> None:
    words = [*SMALL, "--data", str(folder / "text.txt"), "--steps", "20", "--threads", threads]
    names = [f"threads-{threads.replace(':', '-')}-{n}" for n in range(3)]
    for name in names:
        assert run(["train", *words, "--out", str(folder / name)]) == 0
    first, *rest = (state(folder, name) for name in names)
    sharing = first.about["threads"]
    for other in rest:
        # What pays is measured: two runs may choose differently, and then say so.
        assert other.about["threads"] != sharing or same(first, other)


def test_what_is_tried_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*SMALL, "--data", str(folder / "text.txt"), "--steps", "3", "--threads", "auto"]
    assert run(["train", *words, "--out", str(folder / "tried")]) == 0
    shown = capsys.readouterr()
    assert "trying ways to share a step among " in shown.err
    assert "threads, measured: " in shown.out
    tried = shown.err.count(" ms a step")
    assert tried == (4 if usable_cores() > 1 else 0)  # four windows have parts for any number


def test_what_was_measured_is_used_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "shared"
    shutil.copytree(folder / "whole", path)
    saved = state(folder, "shared")
    about = {**saved.about, "threads": Sharing(parts=2, machine="another one").saved()}
    checkpoint.save(path / CHECKPOINT, saved.arrays, about)
    assert run(["train", "--resume", str(path), "--steps", "70"]) == 0
    assert "it was another machine (another one, now" in capsys.readouterr().err
    assert state(folder, "shared").about["threads"]["parts"] == 2


def test_another_way_of_sharing_than_a_run_began_with_is_remarked_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "otherwise"
    shutil.copytree(folder / "whole", path)
    words = ["train", "--resume", str(path), "--steps", "70", "--threads"]
    assert run([*words, "2"]) == 0
    assert "may differ" not in capsys.readouterr().err
    assert run([*words, "batch:2"]) == 0
    assert "batches had other parts (1, now 2): the last bits may differ" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["bytes", "words", "symbols"])
def test_other_tokenizers_are_saved_with_the_model(
    kind: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(folder / kind)
    words = [*SMALL, "--data", str(folder / "text.txt"), "--set", f"tokenizer={kind}"]
    assert run(["train", *words, "--steps", "20", "--out", out]) == 0
    assert run(["train", "--resume", out, "--steps", "25"]) == 0
    assert state(folder, kind).about["tokenizer"]["kind"] == kind
    capsys.readouterr()
    assert run(["generate", out, "--prompt", "the cat", "--length", "5"]) == 0
    assert capsys.readouterr().out.startswith("the cat")


def test_a_text_is_read_by_characters_where_nobody_says_how(folder: Path) -> None:
    sizes = ["--width", "16", "--context", "16", "--batch", "2", "--layers", "1"]
    words = [*sizes, "--data", str(folder / "text.txt"), "--steps", "3"]
    assert run(["train", *words, "--out", str(folder / "plain")]) == 0
    assert state(folder, "plain").about["tokenizer"]["kind"] == "characters"


def test_a_model_of_ones_own_reads_text(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, data, out = (str(folder / name) for name in ("bigram.flux", "text.txt", "bigram"))
    words = ["--model", model, "--data", data, "--set", "sizes.w=16", "--steps", "20"]
    alphabet = len(set(TEXT))
    words[5] = f"sizes.w={alphabet}"
    assert run(["train", *words, "--out", out]) == 0
    assert "a sample:" in capsys.readouterr().out
    (folder / "bigram.flux").rename(folder / "moved.flux")
    assert run(["train", "--resume", out, "--steps", "30"]) == 0  # the run holds the model's text
    assert state(folder, "bigram").about["step"] == 30


def test_a_model_of_ones_own_reads_a_table(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = str(folder / "curve.flux"), str(folder / "table.csv")
    words = ["train", "--model", model, "--data", data, "--set", "sizes.h=12", "--steps", "300"]
    assert run([*words, "--out", str(folder / "curve")]) == 0
    shown = capsys.readouterr()
    assert "rows/s" in shown.err
    assert "perplexity" not in shown.err
    assert "a sample" not in shown.out
    loss = float(shown.out.split("validation loss ")[1].split()[0])
    assert loss < 0.1
    assert run(["train", "--resume", str(folder / "curve"), "--steps", "310"]) == 0
    assert run(["generate", str(folder / "curve")]) == 1
    assert "reads a table, not text" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_stops_or_is_left_out(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = str(folder / "curve.flux"), str(folder / "table.npz")
    words = ["train", "--model", model, "--data", data, "--set", "sizes.h=4", "--steps", "60"]
    words += ["--batch", "4"]
    assert run([*words, "--save-every", "1", "--out", str(folder / "stops")]) == 1
    shown = capsys.readouterr().err
    assert "the loss of step " in shown
    assert f"flux train --resume {folder / 'stops'} --set not_finite=skip" in shown
    resume = ["train", "--resume", str(folder / "stops"), "--set", "not_finite=skip"]
    assert run(resume) == 0
    assert " skipped" in capsys.readouterr().err
    found = state(folder, "stops")
    assert found.about["step"] == 60
    assert all(np.isfinite(array).all() for array in found.arrays.values())


MISTAKES = [
    (["--set", "widht=3"], 1, "did you mean `width`?"),
    (["--config", "no.toml"], 1, "cannot read 'no.toml'"),
    (["--threads", "many"], 1, "a number from 1 to 64"),
    (["--threads", "batch:3", "--batch", "4"], 1, "a batch cannot be cut into 3 parts"),
    (["--model", "no.flux"], 1, "cannot read 'no.flux'"),
    (["--set", "model=gelu"], 1, "`gelu` is a function, not a model"),
    (["--set", "options.depth=3"], 1, "gpt has no option `depth`"),
]


@pytest.mark.parametrize(("words", "code", "message"), MISTAKES)
def test_mistakes(
    words: list[str], code: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", *words, "--out", str(tmp_path / "run")]) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_table_model_needs_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "--model", str(folder / "curve.flux"), "--set", "sizes.h=3"]
    assert run(words) == 1
    assert "--data table.csv" in capsys.readouterr().err
    assert run([*words, "--data", str(folder / "text.txt")]) == 1
    assert "no table that Flux reads" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["width=32", "seed=3", "beta1=0.5", "tokenizer=words"])
def test_a_run_goes_on_as_it_began(
    word: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--resume", str(folder / "whole"), "--set", word]) == 2
    assert f"{word.partition('=')[0]} cannot be changed" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's here")
def test_the_second_signal_leaves_at_once_and_the_checkpoint_whole(folder: Path) -> None:
    # A validation of many batches takes longer than the two signals are apart.
    out = folder / "twice"
    words = [*SMALL, "--data", str(folder / "text.txt"), "--steps", "1000000", "--save-every", "5"]
    words += ["--set", "evaluate_every=200", "--set", "evaluate_batches=1000000"]
    command = [sys.executable, "-c", "from flux.cli import main; main()", "train", *words]
    with subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as job:
        try:
            while not (out / CHECKPOINT).exists() or state(folder, "twice").about["step"] < 195:
                assert job.poll() is None
                time.sleep(0.01)
            time.sleep(0.2)
            job.send_signal(signal.SIGINT)
            time.sleep(0.3)  # closer together, they are one
            assert job.poll() is None
            begun = time.monotonic()
            job.send_signal(signal.SIGINT)
            assert job.wait(timeout=PATIENCE_S) == 130
            assert time.monotonic() - begun < ROOM  # the validation would take hours
        finally:
            job.kill()
    assert state(folder, "twice").about["step"] == 195


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize("full", ["1>/dev/full", "2>/dev/full", "1>&- 2>&-"])
def test_a_run_whose_words_cannot_be_written_trains_to_its_end(tmp_path: Path, full: str) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on a mat, the dog on a log\n" * 60)
    words = ["train", "--preset", "tiny", "--data", "text.txt", "--steps", "20", "--out", "run"]
    command = [sys.executable, "-c", "from flux.cli import main; main()", *words]
    shell = ["sh", "-c", f"exec {shlex.join(command)} {full}"]
    done = subprocess.run(shell, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert checkpoint.load(tmp_path / "run" / CHECKPOINT).about["step"] == 20


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_an_answer_that_cannot_be_written_is_an_error_without_a_traceback() -> None:
    command = [sys.executable, "-c", "from flux.cli import main; main()", "eval", "1 + 1"]
    with Path("/dev/full").open("w") as device:
        done = subprocess.run(
            command, stdout=device, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "data error: cannot write the answer: No space left on device\n"
