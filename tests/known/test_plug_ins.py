"""Plug-ins: adapters that other distributions bring, those that work and those that do not."""

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from gaugeblock.adapters import registry
from gaugeblock.adapters.registry import FRAMEWORKS
from gaugeblock.conformance.cli.app import main
from gaugeblock.conformance.known import admission
from gaugeblock.conformance.known.matcher import known_of
from gaugeblock.reports import runfile
from gaugeblock.reports.records import NotSeen

GOOD = """
from gaugeblock.adapters.base import Adapter, Mode, implements

class Plugged(Adapter):
    framework = "{name}"
    distributions = ("numpy",)
    modules = ("numpy",)
    modes = (Mode("eager", dtypes=("float32",)),)
    differentiable = False
    table = (implements("sigmoid", "(1 / (1 + numpy.exp(-x)))", name="{name}.sigmoid"),)

    def put(self, array, device):
        return array

    def get(self, answer):
        return numpy.asarray(answer)

import numpy
ADAPTER = Plugged()
"""
SUBCLASS = GOOD.partition("import numpy\nADAPTER")[0] + "import numpy\n"
NARROW = "sigmoid and float32 and value"


class Place:
    """A folder on the path of a command, where distributions with plug-ins lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bring(self, name: str, text: str | None, *, distribution: str | None = None, value: str | None = None) -> None:
        """A distribution with the entry point `name` and the module behind it, unless the text is None."""
        distribution = distribution or name
        module = f"{distribution}_adapter"
        metadata = self.folder / f"{distribution}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[gaugeblock.adapters]\n{name} = {value or f'{module}:ADAPTER'}\n")
        if text is not None:
            (self.folder / f"{module}.py").write_text(text.replace("{name}", name))

    def gaugeblock(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command in a process of its own: for what measures."""
        path = os.pathsep.join([str(self.folder), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            [sys.executable, "-m", "gaugeblock.conformance", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": path},
            cwd=self.folder,
        )

    def invoke(self, *arguments: str) -> Result:
        """The command in this process, which looks for plug-ins anew."""
        modules = set(sys.modules)
        sys.path.insert(0, str(self.folder))
        _forget()
        try:
            return CliRunner().invoke(main, [*arguments])
        finally:
            sys.path.remove(str(self.folder))
            for name in set(sys.modules) - modules:
                if name.endswith("_adapter"):
                    del sys.modules[name]
            _forget()


def _forget() -> None:
    importlib.invalidate_caches()
    for cached in (registry.adapter, registry._entry_points, registry._loaded, admission._fault, known_of):
        cached.cache_clear()  # type: ignore[attr-defined]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_plug_in_is_listed_run_and_reported(place: Place) -> None:
    place.bring("zeta", GOOD)
    place.bring("alpha", GOOD)
    listed = place.invoke("list", "frameworks")
    assert listed.stderr == ""
    names = [line.split()[0] for line in listed.stdout.splitlines()[1:]]
    assert names[: len(FRAMEWORKS)] == [*FRAMEWORKS]
    assert names[-2:] == ["alpha", "zeta"], "plug-ins stand behind the suite's own, by name"
    assert "zeta.sigmoid" in place.invoke("list", "implementations").stdout
    assert re.search(r"^sigmoid .* alpha zeta *$", place.invoke("list").stdout, re.MULTILINE)

    done = place.gaugeblock("run", "-f", "zeta", "-f", "numpy", "-k", NARROW, "-o", "run.json")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    run = runfile.read(place.folder / "run.json")
    assert {name: entry.status for name, entry in run.frameworks.items()} == {"numpy": "measured", "zeta": "measured"}
    own = [each for each in run.observations if "/zeta.sigmoid/" in each.key]
    assert len(own) > 10
    assert {each.verdict for each in own} >= {"conforms"}
    assert not any(each.known for each in own), "what is known of numpy.textbook is none of a plug-in's"
    assert any(each.known for each in run.observations), "and it still explains what it did"

    assert place.invoke("report", str(place.folder / "run.json"), "-o", str(place.folder / "report")).exit_code == 0
    assert "zeta" in (place.folder / "report" / "report.md").read_text(encoding="utf-8")
    translated = place.invoke("translate", "scipy.special.expit", "--to", "zeta")
    assert "zeta: (1 / (1 + numpy.exp(-x)))" in translated.stdout


def test_a_plug_in_changes_nothing_that_is_written_about_the_own_frameworks(place: Place) -> None:
    alone = place.invoke("list", "recipes", "--missing").stdout
    place.bring("zeta", GOOD)
    assert place.invoke("list", "recipes", "--missing").stdout == alone
    docs = str(Path(__file__).parents[2] / "docs")
    assert "0 not up to date" in place.invoke("docs", "--check", "-o", docs).stdout


LINE = 'table = (implements("sigmoid", "(1 / (1 + numpy.exp(-x)))", name="{name}.sigmoid"),)'
BROKEN = {
    "no-module": (None, "cannot be imported: ModuleNotFoundError: No module named 'bad_adapter'"),
    "raises": ("raise OSError('libtiny.so: no such\\nfile')", "cannot be imported: OSError: libtiny.so: no such file"),
    "exits": ("import sys; sys.exit('no')", "cannot be imported: SystemExit: no"),
    "no-object": ("", "cannot be imported: AttributeError: module 'bad_adapter' has no attribute 'ADAPTER'"),
    "another-object": ("ADAPTER = {}", "bad_adapter:ADAPTER is of type dict; an instance of gaugeblock.adapters.base"),
    "a-class": (SUBCLASS + "ADAPTER = Plugged", "bad_adapter:ADAPTER is a class, not an object"),
    "incomplete": (GOOD.replace(LINE, "").replace("modes =", "ways ="), "ADAPTER has no modes and no table"),
    "another-name": (GOOD.replace('"{name}"', '"god"', 1), "gives the adapter of 'god': entry point and adapter need"),
    "operation": (GOOD.replace('"sigmoid",', '"sigmoyd",'), "an operation that does not exist: .*'sigmoid'"),
    "input": (GOOD.replace("exp(-x)", "exp(-z)"), "whose call '.*' takes no x"),
    "slug": (GOOD.replace('"{name}.sigmoid"', '"a/b"'), "an implementation 'a/b': a name has letters, digits"),
    "convention": (GOOD.replace("name=", "clipp=1, name="), "the convention 'clipp', which is no parameter of sigmoid"),
    "axis": (
        GOOD.replace('"sigmoid",', '"softmax",'),
        "no case fits: its call takes no axis, and axis=-1 is not fixed",
    ),
    "reduction": (
        GOOD.replace(LINE, 'table = (implements("hinge", "numpy.f(y_true, score)"),)'),
        "hinge/numpy.f, which no case fits: its call takes no reduction, and reduction='none' is not fixed",
    ),
    "line": (GOOD.replace(LINE, 'table = (("sigmoid",),)'), "fails with IndexError: tuple index out of range"),
    "dtype": (
        GOOD.replace('"float32"', '"float33"'),
        "a mode 'eager' with the dtype 'float33', which is none of float",
    ),
    "compiled": (GOOD.replace('"float32",)', '"float32",), compiled=True'), "a compiled mode 'eager', beside which"),
    "device": (
        GOOD.replace("modules =", "present = lambda self: ('npu:0',)\n    modules ="),
        "a device 'npu:0', whose kind is not among its device_types",
    ),
    "present": (
        GOOD.replace("modules =", "present = lambda self: open('/none/there')\n    modules ="),
        "fails with FileNotFoundError",
    ),
    "taken": (
        GOOD.replace('"{name}.sigmoid"', '"torch.sigmoid"'),
        "has sigmoid/torch.sigmoid, which 'torch' has already: give it a name, or set a prefix",
    ),
    "known": (
        GOOD.replace("modules =", "known = ({'id': 'a', 'key': []},)\n    modules ="),
        "fails with TypeError: .*'key'",
    ),
    "known-id": (
        GOOD.replace("modules =", "known = 2 * ({'id': 'a', 'keys': [], 'why': 'Because.'},)\n    modules ="),
        "fails with ValueError: two known deviations have the id 'a'",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plug_in_gets_one_sentence(text: str | None, message: str, place: Place) -> None:
    place.bring("bad", text)
    asked = place.invoke("run", "-f", "bad", "-o", str(place.folder / "run.json"))
    assert asked.exit_code == 2
    assert re.fullmatch(rf"gaugeblock: the plug-in 'bad' of bad 1\.0 .*{message}.*\.\n", asked.stderr), asked.stderr
    assert not (place.folder / "run.json").exists()


def test_the_rest_goes_on_without_a_broken_plug_in(place: Place) -> None:
    place.bring("bad", "raise ImportError('no')")
    place.bring("good", GOOD)
    sentence = "the plug-in 'bad' of bad 1.0 cannot be imported: ImportError: no."
    listed = place.invoke("list", "frameworks")
    assert listed.exit_code == 0
    assert listed.stderr == f"gaugeblock: {sentence}\n"
    assert re.search(r"^good ", listed.stdout, re.MULTILINE)
    assert not re.search(r"^bad ", listed.stdout, re.MULTILINE)

    translated = place.invoke("translate", "scipy.special.expit")
    assert translated.exit_code == 0
    assert translated.stderr == f"gaugeblock: {sentence}\n"
    assert "good: (1 / (1 + numpy.exp(-x)))" in translated.stdout
    asked = place.invoke("translate", "scipy.special.expit", "--to", "bad")
    assert (asked.exit_code, asked.stderr) == (2, f"gaugeblock: {sentence}\n")

    done = place.gaugeblock("run", "-k", f"good.sigmoid and {NARROW}", "-o", "run.json")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert f"not run: {sentence}" in done.stdout
    run = runfile.read(place.folder / "run.json")
    assert (run.frameworks["bad"].status, run.frameworks["bad"].message) == ("not_run", sentence)
    assert run.frameworks["good"].status == "measured"

    named = place.gaugeblock("run", "-f", "good", "-k", NARROW, "-o", "named.json")
    assert "bad" not in named.stdout


def test_the_name_of_an_own_framework_stays_its_own(place: Place) -> None:
    place.bring("numpy", GOOD, distribution="other")
    done = place.gaugeblock(
        "run", "-f", "numpy", "-k", f"scipy.special.expit and not out and {NARROW}", "-o", "run.json"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "not run: the plug-in 'numpy' of other 1.0 is left out, since 'numpy' is a framework of the suite's own."
        in done.stdout
    )
    run = runfile.read(place.folder / "run.json")
    assert run.frameworks["numpy"].status == "measured"
    assert run.frameworks["numpy of other 1.0"].status == "not_run"
    assert not any("numpy.sigmoid" in each.key for each in run.observations)


def test_two_plug_ins_of_one_name(place: Place) -> None:
    place.bring("same", GOOD, distribution="one")
    place.bring("same", GOOD, distribution="two")
    done = place.invoke("run", "-f", "same", "-o", str(place.folder / "run.json"))
    assert done.exit_code == 2
    why = "the plug-in 'same' of one 1.0 and two 1.0 is left out: two adapters cannot share a name."
    assert done.stderr == f"gaugeblock: {why}\n"


def test_two_plug_ins_with_one_implementation(place: Place) -> None:
    for name in ("first", "second"):
        place.bring(name, GOOD.replace("{name}.sigmoid", "numpy.mine"))
    done = place.invoke("list", "frameworks")
    assert "'first' of first 1.0 has sigmoid/numpy.mine, which 'second' has already" in done.stderr
    assert "'second' of second 1.0 has sigmoid/numpy.mine, which 'first' has already" in done.stderr


def test_a_plug_in_whose_framework_is_not_installed(place: Place) -> None:
    place.bring("absent", GOOD.replace('("numpy",)', '("absent-chip|absent-cpu", "numpy")', 1))
    done = place.invoke("run", "-f", "absent", "-o", str(place.folder / "run.json"))
    assert done.exit_code == 2
    assert "absent is not installed; pip install absent-chip installs it" in done.stderr


DEVICE = GOOD.replace(
    "    modules =",
    """    device_types = ("cpu", "npu")

    def present(self):
        return ("cpu", "npu:0")

    def devices(self):
        return {"cpu": "", "npu:0": "a chip"}

    modules =""",
)


def test_a_device_of_a_plug_in(place: Place) -> None:
    place.bring("chip", DEVICE)
    done = place.gaugeblock("run", "--device", "npu", "-k", "sigmoid and (value or device-is-cpu)", "-o", "run.json")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    run = runfile.read(place.folder / "run.json")
    keys = [each.key.split("/") for each in run.observations]
    assert {key[3] for key in keys} == {"npu:0"}
    assert {key[5] for key in keys} == {"value", "device-is-cpu"}
    assert run.frameworks["chip"].devices == {"cpu": "", "npu:0": "a chip"}
    assert "numpy" not in {key[1].partition(".")[0] for key in keys}

    missing = place.invoke("run", "--device", "npu:1", "-o", str(place.folder / "x.json"))
    assert missing.exit_code == 2
    assert "no device 'npu:1' on this machine, which has cpu" in missing.stderr
    assert ", npu:0; leave --device out" in missing.stderr
    typed = place.invoke("run", "--device", "npo:0", "-o", str(place.folder / "x.json"))
    assert "no device 'npo:0': did you mean 'npu:0'? Known are cpu, " in typed.stderr
    other = place.invoke("run", "-f", "numpy", "--device", "npu", "-o", str(place.folder / "x.json"))
    assert "nothing to measure: no test has this framework, device, dtype and mode" in other.stderr


def test_a_device_that_the_framework_does_not_see_is_not_run(place: Place) -> None:
    place.bring("chip", DEVICE.replace('"npu:0": "a chip"', ""))
    done = place.gaugeblock("run", "-f", "chip", "--device", "npu", "-k", NARROW, "-o", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not run: chip sees no device npu:0" in done.stdout


def test_a_machine_without_any_device_of_a_plug_in(place: Place) -> None:
    place.bring("chip", DEVICE.replace('("cpu", "npu:0")', "()"))
    done = place.gaugeblock("run", "-f", "chip", "-f", "numpy", "-k", f"expit and {NARROW}", "-o", "run.json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not run: this machine has no device for chip, which knows cpu or npu" in done.stdout
    assert runfile.read(place.folder / "run.json").frameworks["chip"].status == "not_run"


def test_a_device_without_a_cpu_beside_it_is_not_compared_with_one(place: Place) -> None:
    place.bring("chip", DEVICE.replace('("cpu", "npu")', '("npu",)').replace('("cpu", "npu:0")', '("npu:0",)'))
    done = place.gaugeblock("run", "-f", "chip", "-k", "device-is-cpu", "-o", "run.json")
    assert done.returncode == 2
    assert "no test matches" in done.stderr


def test_known_deviations_of_a_plug_in(place: Place) -> None:
    known = """known = (
        {"id": "plugged-overflows", "keys": ["sigmoid/known.sigmoid/float32/cpu/eager/value/*"],
         "why": "The exponential overflows.", "at_most": 1e9, "wrong": True},
    )
    modules ="""
    place.bring("known", GOOD.replace("modules =", known))
    place.bring("unknown", GOOD)
    done = place.gaugeblock("run", "-f", "known", "-f", "unknown", "-k", NARROW, "-o", "run.json")
    assert done.returncode == 1
    run = runfile.read(place.folder / "run.json")
    verdicts: dict[str, set[str]] = {}
    for each in run.observations:
        verdicts.setdefault(each.key.split("/")[1], set()).add(each.verdict.value)
    assert verdicts == {"known.sigmoid": {"conforms", "known"}, "unknown.sigmoid": {"conforms", "deviates"}}
    assert run.known["plugged-overflows"].why == "The exponential overflows."


def test_a_known_deviation_of_a_plug_in_that_does_not_show_is_noted_and_fails_a_strict_run(place: Place) -> None:
    gone = """known = (
        {"id": "gone", "keys": ["sigmoid/*/float32/cpu/eager/value/near-zero"], "why": "It was so.", "at_most": 9},
        {"id": "overflows", "keys": ["sigmoid/old.sigmoid/float32/cpu/eager/value/subnormal-*"],
         "why": "The exponential overflows.", "at_most": 1e9},
    )
    modules ="""
    place.bring("old", GOOD.replace("modules =", gone))
    asked = ("run", "-f", "old", "-f", "numpy", "-k", f"{NARROW} and not input", "-o", "run.json")
    done = place.gaugeblock(*asked)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Not seen on this machine, in whole or in part, which is no fault: the deviations of gone." in " ".join(
        done.stdout.split()
    )
    strict = place.gaugeblock(*asked, "--strict")
    assert strict.returncode == 1
    assert "not seen here: nothing deviates as recorded in gone" in strict.stdout
    assert runfile.read(place.folder / "run.json").not_seen == [
        NotSeen("gone", "sigmoid/*/float32/cpu/eager/value/near-zero", "sigmoid/old.sigmoid/float32/cpu/eager/value")
    ]
