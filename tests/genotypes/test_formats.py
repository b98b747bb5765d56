"""VCF, BCF and PLINK 2 files: the scores of the same genotypes in a .bed."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

import flux
from flux.errors import FluxError
from tests.genotypes.cohorts import (
    PLINK,
    Simulated,
    agree,
    needs_plink,
    plain_score,
    plink,
    simulate,
    weigh,
    write_weights,
)

_CALLS = {2: "1/1", 1: "0/1", 0: "0/0", -1: "./."}
HEAD = """##fileformat=VCFv4.3
##contig=<ID=1,length=248956422>
##contig=<ID=2,length=242193529>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DS,Number=A,Type=Float,Description="Dosage">
"""


def vcf(cohort: Simulated, prefix: str = "chr") -> Path:
    """A1 as the alternative allele."""
    names = "\t".join(iid for _, iid, *_ in cohort.people)
    head = "".join(line for line in HEAD.splitlines(keepends=True) if "DS" not in line)
    lines = [f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}"]
    for (chrom, name, at, a, b), row in zip(cohort.variants, cohort.copies, strict=True):
        calls = "\t".join(_CALLS[int(g)] for g in row)
        lines.append(f"{prefix}{chrom}\t{at}\t{name}\t{b}\t{a}\t.\t.\t.\tGT\t{calls}")
    path = Path(f"{cohort.stem}.vcf")
    path.write_text(head.replace("ID=", f"ID={prefix}", 2) + "\n".join(lines) + "\n")
    return path


def written(folder: Path, *rows: str, samples: int = 3) -> Path:
    """A VCF of rows of CHROM POS ID REF ALT FORMAT and a cell a person."""
    names = "\t".join(f"P{i}" for i in range(samples))
    lines = [f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{names}"]
    for row in rows:
        chrom, at, name, ref, alt, form, *cells = row.split()
        lines.append("\t".join([chrom, at, name, ref, alt, ".", ".", ".", form, *cells]))
    path = folder / "own.vcf"
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return path


def weights(folder: Path, text: str) -> Path:
    path = folder / "w.txt"
    rows = ["chr_name chr_position effect_allele other_allele effect_weight", *text.splitlines()]
    path.write_text("\n".join("\t".join(row.split()) for row in rows) + "\n")
    return path


@pytest.fixture(autouse=True)
def _libraries() -> None:
    pytest.importorskip("cyvcf2", reason="the extra `genotypes` has cyvcf2")


@pytest.mark.parametrize("missing", ["mean", "none"])
def test_a_vcf_has_the_scores_of_its_bed(tmp_path: Path, missing: str) -> None:
    cohort = simulate(tmp_path / "c", people=23, variants=30)
    cohort.people = [(p[0], p[1], "0", "0", p[4], p[5]) for p in cohort.people]  # a VCF says none
    cohort.write()
    rows = weigh(cohort)
    found = flux.prs(write_weights(tmp_path / "w", rows), vcf(cohort), missing=missing)
    np.testing.assert_allclose(found.sums[:, 0], plain_score(cohort, rows, missing), atol=1e-13)
    same = flux.prs(tmp_path / "w", cohort.bed, missing=missing)
    assert found.allele_count.tolist() == same.allele_count.tolist()
    assert found.dosage_sum.tolist() == same.dosage_sum.tolist()
    assert "#IID" in found.columns()


def test_dosages_are_read_and_beat_calls(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "1 10 a G A GT:DS 0/0:0.25 0/1:1.5 1/1:1.75",
        "1 20 b C T GT:DS 0/0:0 ./.:. 0/1:0.5",
    )
    file = weights(tmp_path, "1 10 A G 2\n1 20 C T 1")
    found = flux.prs(file, path, missing="none")
    np.testing.assert_allclose(found.sums[:, 0], [0.5 + 2, 3.0, 3.5 + 1.5])
    np.testing.assert_allclose(found.dosage_sum[:, 0], [2.25, 1.5, 3.25])
    assert found.allele_count[:, 0].tolist() == [4, 2, 4]
    calls = flux.prs(file, path, missing="none", field="GT")
    np.testing.assert_allclose(calls.sums[:, 0], [0 + 2, 2.0, 4 + 1])
    dominant = flux.prs(file, path, missing="none", effect="dominant")
    np.testing.assert_allclose(dominant.sums[:, 0], [0.5 + 1, 2.0, 2 + 1])


def test_a_dosage_that_is_none_is_refused_with_its_place(tmp_path: Path) -> None:
    path = written(tmp_path, "1 10 a G A GT:DS 0/0:0 0/1:2.5 0/0:0")
    with pytest.raises(FluxError, match=r"the record at 1:10 has a DS of 2\.5 for P1"):
        flux.prs(weights(tmp_path, "1 10 A G 2"), path)


def test_who_has_no_dosage_has_the_call(tmp_path: Path) -> None:
    path = written(tmp_path, "1 10 a G A GT:DS 0/1:. ./1:. ./.:0.5", "1 20 b C T DS . 1 2")
    found = flux.prs(weights(tmp_path, "1 10 A G 1\n1 20 T C 10"), path, missing="none")
    assert found.sums[:, 0].tolist() == [1, 10, 20.5]
    assert found.allele_count[:, 0].tolist() == [2, 2, 4]


@needs_plink
def test_half_calls_haploid_calls_and_dosages_are_those_of_plink(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "1 10 a G A GT:DS 0/0:0.125 0/1:. 1|1:1.875 ./.:1.5",
        "1 20 b C T GT:DS .:0.5 0/1:1 1/1:. ./.:.",
        "1 30 c C T GT:DS 0/1:0.5 1:. 1/.:. 0|0:.",
        samples=4,
    )
    file = tmp_path / "w.txt"
    file.write_text("a A 1\nb T 10\nc T 100\n")
    read = ["--vcf", str(path), "dosage=DS", "--vcf-half-call", "missing", "--bad-freqs"]
    score = ["--score", str(file), "no-mean-imputation", "cols=+scoresums"]
    theirs = plink(tmp_path, *read, *score)
    mine = flux.prs(file, path, missing="none")
    agree(mine.sums[:, 0], theirs["SCORE1_SUM"])
    agree(mine.dosage_sum[:, 0], theirs["NAMED_ALLELE_DOSAGE_SUM"])
    assert mine.allele_count[:, 0].tolist() == [int(n) for n in theirs["ALLELE_CT"]]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("1 10 a G A GT 0/0 0/2 0/0", r"at 1:10 has a call of other alleles.* for P1"),
        ("1 10 a G A GT 0/0 0/0 0/0/1", r"at 1:10 has a call of other alleles.* for P2"),
        ("1 10 a G A,T DS 1 1 1", "has no DS for each alternative allele"),
        ("1 10 a G A GP 1 1 1", "at 1:10 has no DS"),
    ],
)
def test_calls_and_dosages_that_do_not_fit_are_refused(tmp_path: Path, row: str, text: str) -> None:
    path = written(tmp_path, row)
    head = HEAD.replace("Number=A", "Number=1") + HEAD.splitlines()[-1].replace("DS", "GP") + "\n"
    path.write_text(path.read_text().replace(HEAD, head))
    with pytest.raises(FluxError, match=text):
        flux.prs(weights(tmp_path, "1 10 A G 2"), path, missing="none")


def test_records_of_several_alleles_are_split(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "1 10 a G A,T GT 0/1 1/2 2/2",
        "1 20 b C T GT 0/0 0/1 1/1",
    )
    found = flux.prs(weights(tmp_path, "1 10 A G 1\n1 10 T G 10\n1 20 T C 100"), path)
    assert found.sums[:, 0].tolist() == [1, 11 + 100, 20 + 200]


def test_haploid_calls_count_twice_on_x_and_once_on_y_and_mt(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "X 10 a G A GT 1 0/1 .",
        "Y 10 b G A GT 1 . 0",
        "MT 10 c G A GT 1 1 0",
    )
    file = weights(tmp_path, "X 10 A G 1\nY 10 A G 10\nMT 10 A G 100")
    sex = {"P0": "M", "P1": "F", "P2": "M"}
    found = flux.prs(file, path, sex=sex, missing="none")
    assert found.sums[:, 0].tolist() == [2 + 10 + 100, 1 + 100, 0]
    assert found.allele_count[:, 0].tolist() == [4, 3, 2]
    once = flux.prs(file, path, sex=sex, missing="none", male_x=1)
    assert once.sums[:, 0].tolist() == [1 + 10 + 100, 1 + 100, 0]


def test_interactions_and_blocks_work_on_dosages_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flux.genotypes import accumulate

    monkeypatch.setattr(accumulate, "_BLOCK_BYTES", 400)
    cohort = simulate(tmp_path / "c", people=20, variants=9)
    text = "rsID\teffect_allele\teffect_weight\nrs0\tA\t0.5\nrs7_x_rs2\tC_x_A\t2\n"
    (tmp_path / "w.txt").write_text(text)
    cohort.people = [(p[0], p[1], "0", "0", p[4], p[5]) for p in cohort.people]
    cohort.write()
    one = flux.prs(tmp_path / "w.txt", cohort.bed)
    other = flux.prs(tmp_path / "w.txt", vcf(cohort))
    np.testing.assert_allclose(one.sums, other.sums, atol=1e-13)
    assert one.matches[0].weights.kind.tolist() == [0, 4]


def test_the_build_is_known_by_the_lengths_of_chromosomes(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=4)
    assert flux.open_cohort(vcf(cohort)).build == "GRCh38"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b"not a vcf at all\n", "no VCF or BCF"),
        (HEAD.encode() + b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n", "has no people"),
        (
            HEAD.encode() + b"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tA\n",
            "has no variants",
        ),
    ],
)
def test_a_file_that_is_no_vcf_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "x.vcf"
    path.write_bytes(content)
    with pytest.raises(FluxError) as caught:
        flux.open_cohort(path)
    assert text in str(caught.value)


def test_a_vcf_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    path = vcf(simulate(tmp_path / "c"))
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(FluxError, match="cut short"):
        flux.open_cohort(path)


@needs_plink
def test_a_compressed_vcf_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c")
    plink(tmp_path, "--bfile", str(cohort.stem), "--export", "vcf", "bgz", table=False)
    path = tmp_path / "plink.vcf.gz"
    assert len(flux.open_cohort(path).people) == 61
    path.write_bytes(path.read_bytes()[:-28])
    with pytest.raises(FluxError, match="cut short"):
        flux.open_cohort(path)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = vcf(simulate(tmp_path / "c"))
    with pytest.raises(FluxError, match="field is 'GP'"):
        flux.open_cohort(path, "GP")
    with pytest.raises(FluxError, match="declares no DS"):
        flux.open_cohort(path, "DS")


def test_a_library_that_is_not_there_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = vcf(simulate(tmp_path / "c"))
    monkeypatch.setitem(sys.modules, "cyvcf2", None)
    with pytest.raises(FluxError, match=r"fluxparser\[genotypes\]"):
        flux.open_cohort(path)


@needs_plink
@pytest.mark.skipif(PLINK is None, reason="plink2 is not installed")
@pytest.mark.parametrize("missing", ["mean", "none"])
def test_plink_2_files_have_the_scores_that_plink_gives(tmp_path: Path, missing: str) -> None:
    pytest.importorskip("pgenlib", reason="the extra `genotypes` has Pgenlib")
    cohort = simulate(tmp_path / "c", people=90, chroms=("1", "X", "Y", "MT"), missing=0.1)
    out = ["--bfile", str(cohort.stem), "--make-pgen"]
    plink(tmp_path, *out, table=False)
    file = write_weights(tmp_path / "w", weigh(cohort))
    one, other = (
        flux.prs(file, path, missing=missing) for path in (cohort.bed, tmp_path / "plink.pgen")
    )
    np.testing.assert_allclose(one.sums, other.sums, atol=1e-13)
    np.testing.assert_allclose(one.averages, other.averages, atol=1e-15)
    assert one.allele_count.tolist() == other.allele_count.tolist()
    assert one.fid == other.fid


@needs_plink
def test_dosages_of_plink_2_files_are_read(tmp_path: Path) -> None:
    pytest.importorskip("pgenlib", reason="the extra `genotypes` has Pgenlib")
    random = np.random.default_rng(4)
    rows = []
    for i in range(12):
        cells = " ".join(f"0/0:{random.integers(0, 33) / 32:.6g}" for _ in range(60))
        rows.append(f"1 {10 + i} v{i} G A GT:DS {cells}")
    path = written(tmp_path, *rows, samples=60)
    plink(tmp_path, "--vcf", str(path), "dosage=DS", "--make-pgen", table=False)
    file = weights(tmp_path, "\n".join(f"1 {10 + i} A G {random.normal():.5g}" for i in range(12)))
    one, other = flux.prs(file, path), flux.prs(file, tmp_path / "plink.pgen")
    np.testing.assert_allclose(one.sums, other.sums, atol=1e-4)  # PLINK keeps 2^-14 of a dosage
    assert np.ptp(one.sums) > 0.1


@needs_plink
def test_several_alleles_of_plink_2_files_are_split(tmp_path: Path) -> None:
    pytest.importorskip("pgenlib", reason="the extra `genotypes` has Pgenlib")
    random = np.random.default_rng(4)
    calls = [random.choice(["0/0", "0/1", "1/2", "2/2", "./."], 60) for _ in range(6)]
    rows = [f"1 {10 + i} v{i} G A,T GT {' '.join(row)}" for i, row in enumerate(calls)]
    path = written(tmp_path, *rows, "1 30 w G A GT " + "0/1 " * 60, samples=60)
    plink(tmp_path, "--vcf", str(path), "--make-pgen", table=False)
    asked = [f"1 {10 + i} {a} G {random.normal():.5g}" for i in range(6) for a in "AT"]
    file = weights(tmp_path, "\n".join([*asked, "1 30 A G 0.25"]))
    one, other = flux.prs(file, path), flux.prs(file, tmp_path / "plink.pgen")
    np.testing.assert_allclose(one.sums, other.sums, atol=1e-13)
    assert one.matches[0].used.all()


@needs_plink
def test_packed_variants_of_plink_2_files_are_read(tmp_path: Path) -> None:
    pytest.importorskip("pgenlib", reason="the extra `genotypes` has Pgenlib")
    pytest.importorskip("pyarrow", reason="the extra `tables` has pyarrow")
    cohort = simulate(tmp_path / "c")
    plink(tmp_path, "--bfile", str(cohort.stem), "--make-pgen", "vzs", table=False)
    packed = tmp_path / "plink.pvar.zst"
    content = packed.read_bytes()
    for name in ("plink", "plink.pgen", "plink.pvar.zst"):
        found = flux.open_cohort(tmp_path / name).variants
        assert found.id.tolist() == [name for _, name, *_ in cohort.variants]
    packed.write_bytes(content[:-9])
    with pytest.raises(FluxError, match=r"cannot read '.*plink.pvar.zst': Truncated"):
        flux.open_cohort(tmp_path / "plink")


@needs_plink
def test_damaged_plink_2_files_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("pgenlib", reason="the extra `genotypes` has Pgenlib")
    cohort = simulate(tmp_path / "c")
    plink(tmp_path, "--bfile", str(cohort.stem), "--make-pgen", table=False)
    pgen, pvar = tmp_path / "plink.pgen", tmp_path / "plink.pvar"
    content, lines = pgen.read_bytes(), pvar.read_text().splitlines(keepends=True)
    pgen.write_bytes(b"\0" * len(content))
    with pytest.raises(FluxError, match=r"no \.pgen of 61 people and 40 records: [^b]\w+"):
        flux.open_cohort(pgen)
    pgen.write_bytes(content)
    pvar.write_text("".join(lines[:-1]))
    with pytest.raises(FluxError, match=r"no \.pgen of 61 people and 39 records"):
        flux.open_cohort(pgen)
    pvar.write_text("".join([*lines[:-1], "2\tx\trs\tA\tG\n"]))
    with pytest.raises(FluxError, match="row 41, column POS"):
        flux.open_cohort(pgen)
    pvar.write_text("".join(["#CHROM\tPOS\n", *lines[1:]]))
    with pytest.raises(FluxError, match="no column ID"):
        flux.open_cohort(pgen)


def test_a_gzipped_vcf_that_is_not_blocked_is_read(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=5)
    path = vcf(cohort)
    packed = tmp_path / "c.vcf.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert len(flux.open_cohort(packed).variants) == 5
