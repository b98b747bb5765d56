"""Files that are damaged or hostile: an error with file, row and column, or the right value."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flux
from flux.errors import DataError, FluxError
from flux.genotypes import read_weights
from flux.genotypes.bed import BedCohort
from flux.genotypes.counts import count, words
from flux.genotypes.frequency_file import read_frequencies
from flux.genotypes.loci import loci
from flux.genotypes.ranges_file import read_ranges
from tests.genotypes.cohorts import Simulated, plain_score, simulate, weigh, write_weights

Damage = Callable[[Simulated], None]


def _bytes(change: Callable[[bytes], bytes]) -> Damage:
    return lambda cohort: cohort.bed.write_bytes(change(cohort.bed.read_bytes()))


def _lines(suffix: str, change: Callable[[list[str]], list[str]]) -> Damage:
    def damage(cohort: Simulated) -> None:
        path = Path(f"{cohort.stem}{suffix}")
        path.write_text("".join(change(path.read_text().splitlines(keepends=True))))

    return damage


def _row(number: int, text: str) -> Callable[[list[str]], list[str]]:
    return lambda lines: [*lines[: number - 1], text, *lines[number:]]


# What is done to a cohort of 61 people and 40 variants (16 bytes a row), and what is said.
DAMAGES: list[tuple[Damage, str]] = [
    (_bytes(lambda b: b[:-1]), "c.bed has 642 bytes, not the 643 of 61 people"),
    (_bytes(lambda b: b[:-30]), "it ends in row 39"),
    (_bytes(lambda b: b + b"\0"), "has 644 bytes"),
    (_bytes(lambda b: b[:2]), "byte 1: this is no .bed file"),
    (_bytes(lambda b: b""), "byte 1: this is no .bed file"),
    (_bytes(lambda b: b"\x1f\x8b" + b[2:]), "it starts '1f8b01'"),
    (_bytes(lambda b: b[:2] + b"\0" + b[3:]), "byte 3: its genotypes are in the order of people"),
    (_lines(".bim", lambda rows: rows[:-1]), "40 variants (.bim)".replace("40", "39")),
    (_lines(".fam", lambda rows: rows[:-9]), "not the 523 of 52 people"),
    (_lines(".bim", lambda rows: []), "c.bim' is empty"),
    (_lines(".fam", lambda rows: []), "c.fam' is empty"),
    (_lines(".bim", _row(3, "1 rs2 0 5 A\n")), "c.bim: row 3, column 6: this row has 5 cells"),
    (_lines(".bim", _row(3, "1 rs2 0 5 A G x\n")), "c.bim: row 3, column 7: this row has 7"),
    (_lines(".bim", _row(3, "\n")), "c.bim: row 3, column 1: this row has 0"),
    (_lines(".bim", _row(7, "1 rs6 0 1e3 A G\n")), "c.bim: row 7, column 4: this is no whole"),
    (_lines(".bim", _row(7, "1 rs6 0 -5 A G\n")), "row 7, column 4"),
    (_lines(".bim", _row(7, f"1 rs6 0 {'9' * 400} A G\n")), "row 7, column 4"),
    (_lines(".bim", _row(7, "1 rs6 0 ١٢ A G\n")), "row 7, column 4"),
    (_lines(".bim", _row(7, "1 rs6 0 2147483648 A G\n")), "row 7, column 4"),
    (_lines(".fam", _row(5, "F4 I4 0 0 7 -9\n")), "c.fam: row 5, column 5: this is no sex: '7'"),
    (
        _lines(".fam", _row(5, "F3 I3 0 0 1 -9\n")),
        "row 5, column 2: the same person stands in row 4",
    ),
    (_lines(".fam", _row(5, "F4 0 0 0 1 -9\n")), "c.fam: row 5, column 2: this is nobody's name"),
    (lambda cohort: Path(f"{cohort.stem}.fam").unlink(), "no file"),
    (
        lambda cohort: Path(f"{cohort.stem}.bim").write_bytes(b"1 rs0 0 1000 A G\n1 \xff"),
        "c.bim: row 2, byte 3: this is no UTF-8",
    ),
]


@pytest.mark.parametrize(("damage", "text"), DAMAGES)
def test_a_damaged_cohort_is_refused_with_its_place(
    tmp_path: Path, damage: Damage, text: str
) -> None:
    cohort = simulate(tmp_path / "c")
    damage(cohort)
    with pytest.raises(DataError) as caught:
        flux.open_cohort(cohort.bed)
    assert text in str(caught.value)


HEAD = "rsID\tchr_name\tchr_position\teffect_allele\tother_allele\teffect_weight\n"
GOOD = "rs0\t1\t1000\tA\tG\t0.5\n"

WRONG_WEIGHTS = [
    ("", "is empty"),
    ("#pgs_id=1\n#genome_build=GRCh38\n", "is empty"),
    (HEAD, "row 1 names columns, and no row follows"),
    (
        HEAD + GOOD + "rs1\t1\t1010\tC\tT\tnan\n",
        "row 3, column effect_weight: the number is missing",
    ),
    (HEAD + "rs1\t1\t1010\tC\tT\tinf\n", "row 2, column effect_weight: this is no number: 'inf'"),
    (HEAD + "rs1\t1\t1010\tC\tT\t1_0\n", "row 2, column effect_weight"),
    (HEAD + "rs1\t1\t1010\tC\tT\t\u0661\n", "row 2, column effect_weight: this is no number"),
    (HEAD + "rs1\t1\t1010\tC\tT\t1e999\n", "row 2, column effect_weight"),
    (HEAD + "rs1\t1\t1010\tC\tT\t\n", "row 2, column effect_weight: the number is missing"),
    (HEAD + GOOD + "rs1\t1\t1010\tC\tT\n", "row 3, column 6: this row has 5 cells"),
    (HEAD + GOOD + "rs1\t1\t1010\tC\tT\t1\t2\n", "row 3, column 7: this row has 7 cells"),
    (HEAD + "rs1\t1\t-3\tC\tT\t1\n", "row 2, column chr_position: this is no position: '-3'"),
    (HEAD + "rs1\t1\t10.5\tC\tT\t1\n", "row 2, column chr_position"),
    (HEAD + "rs1\t1\t2147483648\tC\tT\t1\n", "row 2, column chr_position"),
    (HEAD + "rs1\t1\t10\t\tT\t1\n", "row 2, column effect_allele: the effect allele is missing"),
    (HEAD.replace("rsID", "effect_weight") + GOOD, "row 1, column 1: two columns are named"),
    (HEAD.replace("effect_weight", "log_odds") + GOOD, "no column of weights"),
    (HEAD.replace("effect_allele", "x") + GOOD, "no column of effect alleles"),
    (
        HEAD.replace("\n", "\tis_dominant\n") + GOOD.replace("\n", "\tmaybe\n"),
        "row 2, column is_dominant: this is neither TRUE nor FALSE: 'maybe'",
    ),
    (
        HEAD.replace("\n", "\tis_dominant\tis_recessive\n") + GOOD.replace("\n", "\t1\t1\n"),
        "row 2, column is_dominant: a row is not both dominant and recessive",
    ),
    (
        HEAD.replace("\n", "\tis_interaction\n") + "a_x_b\t1\t1_x_2\tA_x_G_x_T\t.\t1\tTRUE\n",
        "row 2, column rsID: this cell has 2 parts and the effect alleles 3",
    ),
    (
        HEAD.replace("\n", "\tis_interaction\n") + "a\t1\t1\tA\t.\t1\tTRUE\n",
        "row 2, column effect_allele: an interaction has 2 to 8 parts",
    ),
    (
        "rsID\teffect_allele\tdosage_0_weight\tdosage_1_weight\tdosage_2_weight\nrs0\tA\t1\t\t2\n",
        "weights of 0, 1 and 2 copies go together",
    ),
]


@pytest.mark.parametrize(("content", "text"), WRONG_WEIGHTS)
def test_wrong_weights_are_refused_with_row_and_column(
    tmp_path: Path, content: str, text: str
) -> None:
    path = tmp_path / "w.txt"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        loci(read_weights(path))
    assert text in str(caught.value)


def test_marks_and_line_ends_of_other_systems_do_not_matter(tmp_path: Path) -> None:
    plain = HEAD + GOOD + "rs1\t1\t1010\tC\tT\t-2.5\n"
    forms = [
        plain.encode(),
        b"\xef\xbb\xbf" + plain.encode(),
        plain.replace("\n", "\r\n").encode(),
        plain.replace("\n", "\r\n", 1).encode(),
        plain.encode() + b"\n\n",
        gzip.compress(plain.encode(), mtime=0),
        plain.replace("\t", ",").encode(),
        plain.replace("\t", "  ").encode(),
    ]
    for form in forms:
        (tmp_path / "w.txt").write_bytes(form)
        found = read_weights(tmp_path / "w.txt")
        assert found.weight[:, 0].tolist() == [0.5, -2.5]
        assert found.id.tolist() == ["rs0", "rs1"]


def test_a_comment_is_no_header_and_a_marked_header_is_one(tmp_path: Path) -> None:
    path = tmp_path / "w.txt"
    path.write_text("# effects of alleles, by A. Author\n#ID A1 BETA\nrs0 A 1\n")
    found = read_weights(path)
    assert (found.id.tolist(), found.weight.tolist()) == (["rs0"], [[1.0]])


def test_a_cohort_with_other_line_ends_is_read(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c")
    for suffix in (".bim", ".fam"):
        path = Path(f"{cohort.stem}{suffix}")
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    rows = weigh(cohort)
    found = flux.prs(write_weights(tmp_path / "w", rows), cohort.bed)
    np.testing.assert_allclose(found.sums[:, 0], plain_score(cohort, rows), atol=1e-13)


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.txt.gz"
    path.write_bytes(gzip.compress((HEAD + GOOD * 99).encode())[:-20])
    with pytest.raises(DataError, match="cannot read"):
        read_weights(path)


@settings(max_examples=150)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_weights_or_an_error(tmp_path_factory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "w"
    path.write_bytes(content)
    try:
        found = read_weights(path)
    except FluxError:
        return
    assert np.isfinite(found.weight).all()


@settings(max_examples=100)
@given(data=st.data())
def test_a_bed_with_changed_bytes_is_read_or_refused(tmp_path_factory, data) -> None:
    cohort = simulate(tmp_path_factory.mktemp("any") / "c", people=9, variants=5)
    content = bytearray(cohort.bed.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cohort.bed.write_bytes(content)
    rows = weigh(cohort)
    try:
        found = flux.prs(write_weights(cohort.stem.parent / "w", rows), cohort.bed)
    except FluxError:
        return
    assert np.isfinite(found.sums).all()


WRONG_FREQUENCIES = [
    ("", "is empty"),
    ("#CHROM\tID\tREF\tALT_FREQS\n", "no column ALT or A1"),
    ("ID REF ALT ALT_FREQS\nrs0 G A 1.5\n", "row 2, column ALT_FREQS: this is no frequency"),
    ("ID REF ALT ALT_FREQS\nrs0 G A\n", "row 2, column 4: this row has 3 cells"),
    ("ID REF ALT ALT_FREQS\nrs0 G A x\n", "row 2, column ALT_FREQS"),
]


@pytest.mark.parametrize(("content", "text"), WRONG_FREQUENCIES)
def test_wrong_frequencies_are_refused(tmp_path: Path, content: str, text: str) -> None:
    cohort = simulate(tmp_path / "c")
    path = tmp_path / "f"
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        read_frequencies(path, BedCohort(cohort.stem).variants)
    assert text in str(caught.value)


def test_a_variant_without_a_frequency_is_named(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c", variants=3)
    (tmp_path / "f").write_text("ID REF ALT ALT_FREQS\nrs0 G A 0.5\nrs1 C T 0.25\n")
    weights = write_weights(tmp_path / "w", weigh(cohort))
    with pytest.raises(DataError) as caught:
        flux.prs(weights, cohort.bed, frequencies=tmp_path / "f")
    assert "no frequency of 1 of 3 variants" in str(caught.value)
    assert "such as rs2" in str(caught.value)
    known = read_frequencies(tmp_path / "f", BedCohort(cohort.stem).variants)
    np.testing.assert_array_equal(known, [0.5, 0.75, np.nan])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("a 0\n", "row 1, column 3"),
        ("a 0 x\n", "row 1, column 3: this is no number"),
        ("a 0 \u0661\n", "row 1, column 3: this is no number"),
        ("a 0 nan\n", "row 1, column 3: this is no number"),
        ("#name low high\na 0 x\n", "row 2, column 3: this is no number"),
        ("a 1 0\n", "ends before it begins"),
        ("a 0 1\na 0 2\n", "row 2, column 1: a range of that name stands above"),
    ],
)
def test_wrong_ranges_are_refused(tmp_path: Path, content: str, text: str) -> None:
    (tmp_path / "r").write_text(content)
    with pytest.raises(DataError) as caught:
        read_ranges(tmp_path / "r")
    assert text in str(caught.value)


def test_ranges_may_have_a_header_and_no_end(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("#name low high\na 0 inf\n")
    assert read_ranges(tmp_path / "r") == {"a": (0, np.inf)}


@settings(max_examples=60)
@given(
    codes=st.lists(st.integers(0, 3), min_size=1, max_size=90),
    seed=st.integers(0, 1000),
)
def test_genotypes_are_counted_as_by_hand(codes: list[int], seed: int) -> None:
    people = np.random.default_rng(seed).random(len(codes)) < 0.7
    filled = np.zeros(-(-len(codes) // 32) * 32, np.uint8)
    filled[: len(codes)] = codes
    four = filled.reshape(-1, 4)
    row = (four[:, 0] | four[:, 1] << 2 | four[:, 2] << 4 | four[:, 3] << 6).astype(np.uint8)
    found = count(row.view(np.uint64)[None], words(people))
    chosen = np.array(codes)[people]
    expected = [(chosen == code).sum() for code in (0b00, 0b10, 0b11, 0b01)]
    assert [found.two[0], found.one[0], found.none[0], found.missing[0]] == expected


def test_names_tell_the_format(tmp_path: Path) -> None:
    cohort = simulate(tmp_path / "c")
    for name in ("c", "c.bed", "c.bim", "c.fam"):
        assert len(flux.open_cohort(tmp_path / name).people) == 61
    (tmp_path / "c.txt").write_text("1")
    with pytest.raises(FluxError, match="tells no format"):
        flux.open_cohort(tmp_path / "c.txt")
    with pytest.raises(FluxError, match="no genotypes"):
        flux.open_cohort(tmp_path / "d")
    assert cohort.bed.exists()


def test_the_library_bed_reader_reads_the_same(tmp_path: Path) -> None:
    bed_reader = pytest.importorskip("bed_reader", reason="the extra `test` has bed-reader")
    cohort = simulate(tmp_path / "c", people=37)
    with bed_reader.open_bed(cohort.bed, count_A1=True) as file:
        theirs = file.read(dtype="float64").T
    (block,) = BedCohort(cohort.stem).blocks(np.arange(40), 1 << 20)
    codes = block.codes.view(np.uint8)[:, :, None] >> (2 * np.arange(4, dtype=np.uint8)) & 3
    mine = np.array([2, np.nan, 1, 0])[codes.reshape(40, -1)[:, :37]]
    np.testing.assert_array_equal(mine, theirs)
