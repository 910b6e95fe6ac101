"""What is said of the processor: one word for its instructions, as far as switches leave them, and no path of it."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from gaugeblock.adapters import processor
from gaugeblock.adapters.processor import INSTRUCTION_SETS, has, instruction_set, numpy_flags, switches, xla_limit
from gaugeblock.conformance.execution.worker import FrameworkProcess

SERVER = ("SSE", "SSE2", "SSE42", "X86_V2", "AVX", "FMA3", "AVX2", "X86_V3", "AVX512F", "AVX512_SKX", "X86_V4")
LAPTOP = SERVER[:8]
OLD = SERVER[:4]
ARM = ("NEON", "ASIMD", "SVE")
PHONE = ARM[:2]


def machine(monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...]) -> None:
    """NumPy detects a machine that has these features, as its release 2.4 names them."""
    features: Mapping[str, bool] = {name: name in there for name in (*SERVER, *ARM, "VSX")}
    monkeypatch.setattr(processor, "_umath", SimpleNamespace(__cpu_features__=features))


@pytest.mark.parametrize(
    ("there", "limits", "word"),
    [
        (SERVER, (), "avx512"),
        (LAPTOP, (), "avx2"),
        (OLD, (), "sse4.2"),
        ((), (), "baseline"),
        (ARM, (), "sve"),
        (PHONE, (), "neon"),
        (("VSX",), (), "baseline"),
        # In the words of torch, oneDNN, XLA and NumPy.
        (SERVER, ("AVX2",), "avx2"),
        (SERVER, ("baseline",), "baseline"),
        (SERVER, ("AVX512_CORE_VNNI",), "avx512"),
        (SERVER, ("AVX2_VNNI",), "avx2"),
        (SERVER, ("SSE41",), "sse4.2"),
        (SERVER, ("SSE4_2",), "sse4.2"),
        (SERVER, ("X86_V3",), "avx2"),
        (SERVER, (None, "AVX"), "avx"),
        (SERVER, ("AVX2", "SSE4_2"), "sse4.2"),
        # What is no limit of this machine, or names nothing.
        (LAPTOP, ("AVX512",), "avx2"),
        (SERVER, ("ALL", "DEFAULT"), "avx512"),
        (ARM, ("AVX2",), "sve"),
        (ARM, ("baseline",), "neon"),
        (PHONE, ("SVE256",), "neon"),
    ],
)
def test_one_word_for_what_a_process_may_use(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], limits: tuple[str | None, ...], word: str
) -> None:
    machine(monkeypatch, there)
    assert instruction_set(*limits) == word
    assert word in INSTRUCTION_SETS


@pytest.mark.parametrize(
    ("there", "words"),
    [(LAPTOP, {"baseline", "sse4.2", "avx", "avx2"}), (ARM, {"neon", "sve"}), ((), {"baseline"})],
)
def test_a_processor_has_what_is_below_its_best(
    monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], words: set[str]
) -> None:
    machine(monkeypatch, there)
    assert {word for word in INSTRUCTION_SETS if has(word)} == words


def test_switches_are_recorded_without_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in processor.SWITCHES:
        monkeypatch.delenv(name, raising=False)
    assert switches() == {}
    assert xla_limit() is None
    monkeypatch.setenv("ATEN_CPU_CAPABILITY", "avx2")
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", "X86_V4  AVX512_ICL")
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/home/me --xla_cpu_max_isa=AVX2 --xla_cpu_x=/home/me")
    assert switches() == {
        "ATEN_CPU_CAPABILITY": "avx2",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    }
    assert xla_limit() == "AVX2"
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/home/me")
    assert "XLA_FLAGS" not in switches()


def test_threads_are_those_of_the_variable_or_one_for_each_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POOL", "3")
    assert processor.threads("POOL") == 3
    for nothing in ("", "0", "many"):
        monkeypatch.setenv("POOL", nothing)
        assert processor.threads("POOL") >= 1


def test_every_emulated_processor_has_a_switch_and_is_compared() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(Path(__file__).parents[2] / "tox.ini", encoding="utf-8")
    labels = dict(line.split(" = ") for line in tox["tox"]["labels"].replace("\\\n", "").strip().splitlines())
    *named, last = re.split(r",\s*", labels["processors"])
    environments = [each for each in named if "-" in each]
    assert named == [*(each for each in named if "-" not in each), *environments], "what they run is made first"
    assert {each.split("-")[0] for each in environments} == {*named} - {*environments}
    lines = [line.split(":", 1) for line in tox["processors"]["set_env"].strip().splitlines()]
    for environment in environments:
        factors = environment.split("-")
        names = {
            setting.split("=")[0].strip()
            for conditions, setting in lines
            if any(set(condition.split("-")) <= set(factors) for condition in conditions.split(","))
        }
        assert names & {*processor.SWITCHES}, environment
        assert names <= {*processor.SWITCHES, "GAUGEBLOCK_SKIP_WITHOUT", "PATH"}
        assert f"runs{{/}}{factors[0]}.json.gz runs{{/}}{environment}.json.gz" in tox[f"testenv:{last}"]["commands"]


def test_numpy_says_what_it_dispatches_to_and_computes_with() -> None:
    flags = numpy_flags()
    assert flags["instruction_set"] in INSTRUCTION_SETS
    assert flags["libraries"]
    assert flags["numpy_features"]
    assert not any("/" in str(value) for value in flags.values())


def test_a_switch_reaches_the_framework_process(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every feature that this release of NumPy dispatches to, so that its baseline is left.
    monkeypatch.setenv("NPY_DISABLE_CPU_FEATURES", " ".join(processor._umath.__cpu_dispatch__))
    process = FrameworkProcess("numpy", {}, 60.0)
    try:
        flags = process.greet().flags
    finally:
        process.discard()
    assert flags["numpy_features"] == "none"
    assert flags["instruction_set"] == instruction_set(processor._highest(processor._umath.__cpu_baseline__))
