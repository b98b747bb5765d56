from __future__ import annotations

from pathlib import Path

import pytest

from flux.cli import machine

AVX512 = "fpu sse avx avx2 avx512f avx512dq avx512cd avx512bw avx512vl"
CASES = [
    (AVX512, {}, "SkylakeX"),
    (AVX512, {"OPENBLAS_CORETYPE": "Haswell"}, "Haswell"),
    ("fpu sse avx avx2 fma", {}, None),
    ("fpu avx512f avx512cd avx512er avx512pf", {}, None),  # Knights Landing
    ("", {}, None),
]


@pytest.mark.parametrize(("flags", "environment", "chosen"), CASES)
def test_avx512_kernels_are_chosen_where_they_run_and_nobody_chose_others(
    flags: str, environment: dict[str, str], chosen: str | None
) -> None:
    machine.choose_kernels(environment, frozenset(flags.split()))
    assert environment.get("OPENBLAS_CORETYPE") == chosen


def test_flags_are_read_from_cpuinfo(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(
        "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: fpu avx2\n"
        "\nprocessor\t: 1\nflags\t\t: other\n"
    )
    assert machine.cpu_flags(path) == {"fpu", "avx2"}
    assert machine.cpu_name(path) == "Some CPU @ 2 GHz"
    assert machine.cpu_flags(tmp_path / "nothing") == frozenset()
    assert machine.cpu_name(tmp_path / "nothing")
