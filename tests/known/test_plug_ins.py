"""Plug-ins: adapters that other distributions bring, those that work and those that do not."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from click.testing import Result
from gaugeblock.adapters import registry
from gaugeblock.adapters.registry import FRAMEWORKS
from gaugeblock.conformance.known import admission
from gaugeblock.conformance.known.matcher import known_of
from gaugeblock.reports import runfile
from gaugeblock.reports.records import NotSeen, Run

from tests.invoking import gaugeblock, invoke, sentence
from tests.plugging import bring, import_path

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
ENTRY = {"id": "a", "kind": "accuracy", "keys": ["*/*/*/*/*/*/*"], "why": "Because.", "at_most": 1}
NARROW = "sigmoid and float32 and value"


class Place:
    """A folder on the path of a command, where distributions with plug-ins lie."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def bring(self, name: str, text: str | None, **more: str) -> None:
        bring(self.folder, name, text, **more)

    def run(self, *arguments: str, code: int | None = 0) -> tuple[str, Run]:
        """What the command says in a process of its own, and the run; any of 0 and 1 is its code where that is None."""
        done = gaugeblock("run", *arguments, "-o", "run.json", cwd=self.folder, PYTHONPATH=import_path(self.folder))
        assert done.returncode in ((0, 1) if code is None else (code,)), done.stdout + done.stderr
        return done.stdout, runfile.read(self.folder / "run.json")

    def invoke(self, *arguments: str | Path) -> Result:
        """The command in this process, which looks for plug-ins anew."""
        modules = set(sys.modules)
        sys.path.insert(0, str(self.folder))
        _forget()
        try:
            return invoke(*arguments)
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

    _, run = place.run("-f", "zeta", "-f", "numpy", "-k", NARROW, code=None)
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
    "axis": (GOOD.replace('"sigmoid",', '"softmax",'),
        "no case fits: its call takes no axis, and axis=-1 is not fixed"),
    "reduction": (GOOD.replace(LINE, 'table = (implements("hinge", "numpy.f(y_true, score)"),)'),
        "hinge/numpy.f, which no case fits: its call takes no reduction, and reduction='none' is not fixed"),
    "line": (GOOD.replace(LINE, 'table = (("sigmoid",),)'), "fails with IndexError: tuple index out of range"),
    "dtype": (GOOD.replace('"float32"', '"float33"'),
        "a mode 'eager' with the dtype 'float33', which is none of float"),
    "compiled": (GOOD.replace('"float32",)', '"float32",), compiled=True'), "a compiled mode 'eager', beside which"),
    "device": (GOOD.replace("modules =", "present = lambda self: ('npu:0',)\n    modules ="),
        "a device 'npu:0', whose kind is not among its device_types"),
    "present": (GOOD.replace("modules =", "present = lambda self: open('/none/there')\n    modules ="),
        "fails with FileNotFoundError"),
    "taken": (GOOD.replace('"{name}.sigmoid"', '"torch.sigmoid"'),
        "has sigmoid/torch.sigmoid, which 'torch' has already: give it a name, or set a prefix"),
    "known": (GOOD.replace("modules =", "known = ({'id': 'a', 'key': []},)\n    modules ="),
        "has known deviations that cannot be used: the table 'known' of bad: the entry 'a' has the field 'key', which"),
    "known-id": (GOOD.replace("modules =", f"known = 2 * ({ENTRY},)\n    modules ="),
        "has known deviations that cannot be used: two known deviations have the id 'a'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plug_in_gets_one_sentence(text: str | None, message: str, place: Place) -> None:
    place.bring("bad", text)
    said = sentence(place.invoke("run", "-f", "bad", "-o", place.folder / "run.json"))
    assert re.fullmatch(rf"gaugeblock: the plug-in 'bad' of bad 1\.0 .*{message}.*\.\n", said), said
    assert not (place.folder / "run.json").exists()


def test_the_rest_goes_on_without_a_broken_plug_in(place: Place) -> None:
    place.bring("bad", "raise ImportError('no')")
    place.bring("good", GOOD)
    why = "the plug-in 'bad' of bad 1.0 cannot be imported: ImportError: no."
    listed = place.invoke("list", "frameworks")
    assert (listed.exit_code, listed.stderr) == (0, f"gaugeblock: {why}\n")
    assert re.search(r"^good ", listed.stdout, re.MULTILINE)
    assert not re.search(r"^bad ", listed.stdout, re.MULTILINE)

    translated = place.invoke("translate", "scipy.special.expit")
    assert (translated.exit_code, translated.stderr) == (0, f"gaugeblock: {why}\n")
    assert "good: (1 / (1 + numpy.exp(-x)))" in translated.stdout
    assert sentence(place.invoke("translate", "scipy.special.expit", "--to", "bad")) == f"gaugeblock: {why}\n"

    said, run = place.run("-k", f"good.sigmoid and {NARROW}", code=None)
    assert f"not run: {why}" in said
    assert (run.frameworks["bad"].status, run.frameworks["bad"].message) == ("not_run", why)
    assert run.frameworks["good"].status == "measured"
    assert "bad" not in place.run("-f", "good", "-k", NARROW, code=None)[0]


def test_the_name_of_an_own_framework_stays_its_own(place: Place) -> None:
    place.bring("numpy", GOOD, distribution="other")
    said, run = place.run("-f", "numpy", "-k", f"scipy.special.expit and not out and {NARROW}")
    why = "the plug-in 'numpy' of other 1.0 is left out, since 'numpy' is a framework of the suite's own."
    assert f"not run: {why}" in said
    assert run.frameworks["numpy"].status == "measured"
    assert run.frameworks["numpy of other 1.0"].status == "not_run"
    assert not any("numpy.sigmoid" in each.key for each in run.observations)


def test_two_plug_ins_of_one_name(place: Place) -> None:
    place.bring("same", GOOD, distribution="one")
    place.bring("same", GOOD, distribution="two")
    said = sentence(place.invoke("run", "-f", "same", "-o", place.folder / "run.json"))
    why = "the plug-in 'same' of one 1.0 and two 1.0 is left out: two adapters cannot share a name."
    assert said == f"gaugeblock: {why}\n"


def test_two_plug_ins_with_one_implementation(place: Place) -> None:
    for name in ("first", "second"):
        place.bring(name, GOOD.replace("{name}.sigmoid", "numpy.mine"))
    done = place.invoke("list", "frameworks")
    assert "'first' of first 1.0 has sigmoid/numpy.mine, which 'second' has already" in done.stderr
    assert "'second' of second 1.0 has sigmoid/numpy.mine, which 'first' has already" in done.stderr


def test_a_plug_in_whose_framework_is_not_installed(place: Place) -> None:
    place.bring("absent", GOOD.replace('("numpy",)', '("absent-chip|absent-cpu", "numpy")', 1))
    said = sentence(place.invoke("run", "-f", "absent", "-o", place.folder / "run.json"))
    assert "absent is not installed; pip install absent-chip installs it" in said


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
    _, run = place.run("--device", "npu", "-k", "sigmoid and (value or device-is-cpu)", code=None)
    keys = [each.key.split("/") for each in run.observations]
    assert {key[3] for key in keys} == {"npu:0"}
    assert {key[5] for key in keys} == {"value", "device-is-cpu"}
    assert run.frameworks["chip"].devices == {"cpu": "", "npu:0": "a chip"}
    assert "numpy" not in {key[1].partition(".")[0] for key in keys}

    for asked, why in (
        (["--device", "npu:1"], r"no device 'npu:1' on this machine, which has cpu.*, npu:0; leave --device out"),
        (["--device", "npo:0"], r"no device 'npo:0': did you mean 'npu:0'\? Known are cpu, "),
        (["-f", "numpy", "--device", "npu"], "nothing to measure: no test has this framework, device, dtype and mode"),
    ):
        assert re.search(why, sentence(place.invoke("run", *asked, "-o", place.folder / "x.json")))


def test_a_device_that_the_framework_does_not_see_is_not_run(place: Place) -> None:
    place.bring("chip", DEVICE.replace('"npu:0": "a chip"', ""))
    assert "not run: chip sees no device npu:0" in place.run("-f", "chip", "--device", "npu", "-k", NARROW)[0]


def test_a_machine_without_any_device_of_a_plug_in(place: Place) -> None:
    place.bring("chip", DEVICE.replace('("cpu", "npu:0")', "()"))
    said, run = place.run("-f", "chip", "-f", "numpy", "-k", f"expit and {NARROW}")
    assert "not run: this machine has no device for chip, which knows cpu or npu" in said
    assert run.frameworks["chip"].status == "not_run"


def test_a_device_without_a_cpu_beside_it_is_not_compared_with_one(place: Place) -> None:
    place.bring("chip", DEVICE.replace('("cpu", "npu")', '("npu",)').replace('("cpu", "npu:0")', '("npu:0",)'))
    asked = ("run", "-f", "chip", "-k", "device-is-cpu", "-o", place.folder / "run.json")
    assert "no test matches" in sentence(place.invoke(*asked))


def test_known_deviations_of_a_plug_in(place: Place) -> None:
    known = """known = (
        {"id": "plugged-overflows", "kind": "accuracy", "keys": ["sigmoid/known.sigmoid/float32/cpu/eager/value/*"],
         "why": "The exponential overflows.", "at_most": 1e9, "wrong": True},
    )
    modules ="""
    place.bring("known", GOOD.replace("modules =", known))
    place.bring("unknown", GOOD)
    _, run = place.run("-f", "known", "-f", "unknown", "-k", NARROW, code=1)
    verdicts: dict[str, set[str]] = {}
    for each in run.observations:
        verdicts.setdefault(each.key.split("/")[1], set()).add(each.verdict.value)
    assert verdicts == {"known.sigmoid": {"conforms", "known"}, "unknown.sigmoid": {"conforms", "deviates"}}
    assert run.known["plugged-overflows"].why == "The exponential overflows."


def test_a_known_deviation_of_a_plug_in_that_does_not_show_is_noted_and_fails_a_strict_run(place: Place) -> None:
    gone = """known = (
        {"id": "gone", "kind": "accuracy", "keys": ["sigmoid/*/float32/cpu/eager/value/near-zero"],
         "why": "It was so.", "at_most": 9},
        {"id": "overflows", "kind": "accuracy", "keys": ["sigmoid/old.sigmoid/float32/cpu/eager/value/subnormal-*"],
         "why": "The exponential overflows.", "at_most": 1e9},
    )
    modules ="""
    place.bring("old", GOOD.replace("modules =", gone))
    asked = ("-f", "old", "-f", "numpy", "-k", f"{NARROW} and not input")
    noted = "Not seen on this machine, which is no fault: the deviations of gone."
    assert noted in " ".join(place.run(*asked)[0].split())
    said, run = place.run(*asked, "--strict", code=1)
    assert "not seen here: nothing deviates as recorded in gone" in said
    assert run.not_seen == [
        NotSeen("gone", "sigmoid/*/float32/cpu/eager/value/near-zero", "sigmoid/old.sigmoid/float32/cpu/eager/value")
    ]
