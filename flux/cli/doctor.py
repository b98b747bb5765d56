"""`flux doctor`: what the machine offers, what NumPy makes of it, and advice."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import click

from flux import __version__
from flux.cli.machine import (
    AVX512_NEEDED,
    CORE_TYPE,
    cpu_flags,
    cpu_name,
    usable_cores,
    wants_skylakex,
)

_REPORTED = ("sse4_2", "avx", "avx2", "fma", *sorted(AVX512_NEEDED), "avx512_bf16", "amx_tile")
_AVX512_KERNELS = frozenset({"SkylakeX", "Cooperlake", "SapphireRapids", "Zen5"})


@click.command()
def command() -> None:
    """Report the CPU, the BLAS and the kernels that it chose, threads, versions, and advice.

    The advice is about speed. The command line makes OpenBLAS take its AVX-512 kernels by itself;
    a program that imports flux gets the BLAS as its own environment makes it.

    \b
    flux doctor
    OPENBLAS_CORETYPE=Haswell flux doctor     another choice of kernels, for comparison
    """
    from flux.training import blas_pools

    pools = blas_pools()
    for title, rows in report(pools).items():
        click.echo(title)
        width = max(len(name) for name in rows)
        for name, value in rows.items():
            click.echo(f"  {name:<{width}}  {value}")
    click.echo("advice")
    for line in list(advice(pools, cpu_flags())) or ["nothing to improve"]:
        click.echo(f"  {line}")


def report(pools: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Everything reported, by section."""
    return {
        "machine": _machine(),
        "blas": _blas(pools),
        "versions": dict(_versions()),
    }


def _machine() -> dict[str, str]:
    flags = cpu_flags()
    features = [name for name in _REPORTED if name in flags]
    return {
        "system": f"{platform.system()} {platform.release()}",
        "cpu": cpu_name(),
        "features": " ".join(features) or "not listed on this platform",
        "cores": f"{usable_cores()} usable of {os.cpu_count()}",
    }


def _blas(pools: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    rows = {}
    for pool in pools:
        kernels = pool.get("architecture", "not reported")
        rows[str(pool["internal_api"])] = (
            f"{pool['version'] or 'version not reported'}, kernels {kernels}, "
            f"{pool['num_threads']} threads"
        )
    rows = rows or {"library": "none that reports its threads"}
    return rows | {CORE_TYPE: os.environ.get(CORE_TYPE, "not set")}


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    yield "flux", __version__
    for name in _dependencies():
        yield name, _version(name)


def _dependencies() -> list[str]:
    try:
        needed = requires("fluxparser") or []
    except PackageNotFoundError:
        return ["numpy"]
    return [
        "".join(c if c.isalnum() or c in "-_" else " " for c in row).split()[0]
        for row in needed
        if "extra ==" not in row
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def advice(pools: Sequence[Mapping[str, Any]], flags: frozenset[str]) -> Iterator[str]:
    """What would make Flux quicker here, one line each."""
    for pool in pools:
        kernels = pool.get("architecture")
        if pool["internal_api"] != "openblas" or not wants_skylakex(flags):
            continue
        if kernels not in _AVX512_KERNELS:
            yield (
                f"OpenBLAS runs its {kernels} kernels on a CPU with AVX-512: "
                f"set {CORE_TYPE}=SkylakeX before Python starts (up to twice as quick)"
            )
    if not pools:
        yield "NumPy has no BLAS that can be recognised: matrix products may be slow"
    for pool in pools:
        if pool["num_threads"] > usable_cores():
            yield (
                f"{pool['internal_api']} has {pool['num_threads']} threads on "
                f"{usable_cores()} usable cores: set OPENBLAS_NUM_THREADS={usable_cores()}"
            )
    if wants_skylakex(flags):
        yield f"a program that imports flux should set {CORE_TYPE}=SkylakeX before it starts"
