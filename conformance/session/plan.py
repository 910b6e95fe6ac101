"""What to run: one test for each implementation, dtype, device, mode and check that is selected."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from gaugeblock.adapters.base import Adapter, Implementation, Mode
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.checks.same_code import SAME_BITS
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.known.admission import frameworks, left_out
from gaugeblock.conformance.recipes.recipe import recipes
from gaugeblock.conformance.session import expression
from gaugeblock.conformance.stories import STORIES
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.effort import EFFORTS, STANDARD
from gaugeblock.conformance.trials.setting import Setting, dtypes_of, offered_in
from gaugeblock.reference.formats import FORMATS

CHECKS_BY_NAME = {check.name: check for check in CHECKS}

STREAMED = ("streaming",)
"""Checks of objects with state."""


class SelectionError(Exception):
    """A name that is selected does not exist; the message is one sentence naming the nearest that does."""


@dataclass(frozen=True)
class Selection:
    """What to measure; a part that is empty means everything there is."""

    frameworks: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    """Names, or patterns as of file names; those of implementations and checks too."""
    implementations: tuple[str, ...] = ()
    """Public paths."""
    checks: tuple[str, ...] = ()
    expression: str = ""
    """Of parts of tests' keys; see gaugeblock.conformance.session.expression."""
    effort: str = STANDARD
    skip_missing_device: bool = False
    known: tuple[Path, ...] = ()
    """Files of known deviations; see gaugeblock.conformance.session.brought."""

    def has_device(self) -> bool:
        """Whether any device that is selected is there."""
        there = present_devices()
        return not self.devices or any(matches_device(asked, each) for asked in self.devices for each in there)

    def check(self) -> None:
        """SelectionError if a name is unknown or a device is not there."""
        for name in self.frameworks:
            if name in left_out():
                raise SelectionError(left_out()[name])
        every = frameworks()
        _known("framework", self.frameworks, every)
        _known("dtype", self.dtypes, (*FORMATS, "int64"))
        _known("effort", (self.effort,), tuple(EFFORTS))
        modes = {part for mode in every_mode() for part in (mode.name, *mode.name.split("-"))}
        _known("mode", self.modes, sorted(modes))
        for what, asked, known in (
            ("operation", self.operations, {each.operation for each in every_implementation()}),
            ("implementation", self.implementations, {each.name for each in every_implementation()}),
            ("check", self.checks, {*CHECKS_BY_NAME, "recipe", "story"}),
        ):
            for pattern in asked:
                if not any(fnmatchcase(name, pattern) for name in known):
                    _known(what, (pattern,), sorted(known), f"'gaugeblock list {what}s' names them all.")
        there = present_devices()
        types = dict.fromkeys(kind for name in every for kind in adapter(name).device_types)
        for device in self.devices:
            kind, colon, number = device.partition(":")
            if kind not in types or (colon and (kind == "cpu" or not number.isdecimal())):
                _known("device", (device,), tuple(dict.fromkeys((*there, *types))))
            if not any(matches_device(device, each) for each in there) and not self.skip_missing_device:
                raise SelectionError(
                    f"there is no device '{device}' on this machine, which has {', '.join(there)}; "
                    "leave --device out, or give --skip-missing-device to record it as not run."
                )
        try:
            expression.compiled(self.expression)
        except ValueError as error:
            raise SelectionError(f"{error}.") from None


def _known(what: str, asked: Iterable[str], known: Sequence[str], more: str = "") -> None:
    for name in asked:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean '{near}'? " if near else ""
            every = f"Known are {', '.join(known)}."
            raise SelectionError(f"there is no {what} '{name}': {hint}{more or every}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that may have been meant; None if none is like it."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.4)), None)


def every_mode() -> Iterator[Mode]:
    """Every mode of every framework."""
    return (mode for name in frameworks() for mode in adapter(name).modes)


def every_check_name() -> set[str]:
    """The name of whatever is asked of any framework, of recipes and stories too."""
    special = {check.name for name in frameworks() for _, check in _askable(name).values() if check is not None}
    return {*CHECKS_BY_NAME, *special}


def every_implementation() -> Iterator[Implementation]:
    """Whatever can be asked of any framework, recipes and scenes of stories too."""
    return (each for name in frameworks() for each, _ in _askable(name).values())


def _among(patterns: Sequence[str], name: str) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def present_devices() -> tuple[str, ...]:
    """The slug of each device that this machine seems to have for any framework. Imports none."""
    return tuple(dict.fromkeys(slug for name in frameworks() for slug in adapter(name).present()))


def matches_device(asked: str, device: str) -> bool:
    """Whether `asked` names the device: itself, or its kind, as cuda does every cuda:N."""
    return asked == device or device.startswith(f"{asked}:")


@dataclass(frozen=True)
class Test:
    """One check of one implementation in one setting."""

    setting: Setting
    check: Check

    __test__ = False  # not a test class of pytest's

    @property
    def id(self) -> str:
        """The start of the keys of its observations."""
        return f"{self.setting.prefix}/{self.check.name}"


@dataclass
class Plan:
    """The tests to run, and why what is missing is missing."""

    tests: list[Test] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    """Frameworks, and plug-ins that were left out, to why they are not measured."""
    missing_modes: dict[tuple[str, str], str] = field(default_factory=dict)
    """(framework, mode) to the reason."""


def _devices(framework: Adapter, selection: Selection) -> tuple[str, ...]:
    """The framework's devices that are selected, with those that are not there, so that they are said to be not run."""
    there = framework.present()
    if not selection.devices:
        return there
    found = [device for device in there if any(matches_device(asked, device) for asked in selection.devices)]
    known = [device for device in selection.devices if device.partition(":")[0] in framework.device_types]
    absent = [d for d in known if not any(matches_device(d, device) for device in there)]
    return tuple(dict.fromkeys((*found, *(device if ":" in device else f"{device}:0" for device in absent))))


def _wanted(mode: Mode, selection: Selection) -> bool:
    return not selection.modes or any(asked == mode.name or asked in mode.name.split("-") for asked in selection.modes)


def plan(selection: Selection) -> Plan:
    """The tests of a selection, those of one framework process together. Imports no framework."""
    selection.check()
    made = Plan()
    for what, why in left_out().items():
        if not selection.frameworks or what.partition(" ")[0] in selection.frameworks:
            made.absent[what] = why
    for name in dict.fromkeys(selection.frameworks or frameworks()):
        framework = adapter(name)
        if not framework.versions():
            made.absent[name] = framework.install_hint()
            continue
        if not framework.present() and not selection.devices:
            kinds = " or ".join(framework.device_types)
            made.absent[name] = f"this machine has no device for {name}, which knows {kinds}"
            continue
        for mode in framework.modes:
            if not _wanted(mode, selection):
                continue
            absent = [adapter(need) for need in mode.requires if not adapter(need).versions()]
            if absent:
                made.missing_modes[name, mode.name] = absent[0].install_hint()
                continue
            made.tests += _tests(framework, mode, selection)
    return made


def _tests(framework: Adapter, mode: Mode, selection: Selection) -> list[Test]:
    chosen = expression.compiled(selection.expression)
    tests = (
        Test(setting, check)
        for device in _devices(framework, selection)
        for setting, check in every_test(framework, mode, device, selection.effort)
        if (not selection.dtypes or setting.dtype in selection.dtypes)
        and _among(selection.operations, setting.implementation.operation)
        and _among(selection.implementations, setting.implementation.name)
        and _among(selection.checks, check.name)
    )
    return [test for test in tests if chosen(test.id)]


def every_test(
    framework: Adapter, mode: Mode, device: str = "cpu", effort: str = STANDARD
) -> Iterator[tuple[Setting, Check]]:
    """What is asked of a framework in a mode, on a device: checks of implementations, recipes and stories."""
    for implementation in framework.implementations:
        for setting in _settings(implementation, mode, device, effort):
            yield from ((setting, check) for check in CHECKS if asked_of(setting, check) and check.applies(setting))
    if mode.compiled:
        return
    for recipe in recipes():
        if framework.framework in recipe.calls:
            for setting in _settings(recipe.implementation(framework.framework), mode, device, effort):
                # As every shape is: where another adapter has the other dtypes, or each is compiled, the first alone.
                swept = setting.dtype in mode.sweeps or (setting.dtype == "int64" and mode.sweeps)
                if swept and setting.effort.includes("recipe", "recipe"):
                    yield setting, recipe.check()
    for story in STORIES:
        # Scenes leave it to the framework where their models lie.
        if device == "cpu" and framework.framework in story.scenes and story.dtype in mode.dtypes:
            setting = Setting.of_framework(story.implementation(framework.framework), story.dtype, device, mode, effort)
            if setting.effort.includes("story", "story"):
                yield setting, story.check(framework.framework)


def asked_of(setting: Setting, check: Check) -> bool:
    """Whether a check is asked of an implementation in this effort.

    One that ends in the code of another keeps what it does before: its conventions, and how it uses its state.
    """
    if setting.implementation.same_as is None:
        return check.name != SAME_BITS and setting.effort.includes(check.name, check.kind)
    if check.name == SAME_BITS or check.kind == "probe" or check.name in STREAMED:
        return setting.effort.includes(check.name, check.kind)
    return setting.effort.aliases and setting.effort.includes(check.name, check.kind)


def _settings(implementation: Implementation, mode: Mode, device: str, effort: str) -> Iterator[Setting]:
    for dtype in dtypes_of(implementation, mode):
        setting = Setting.of_framework(implementation, dtype, device, mode, effort)
        if offered_in(implementation, mode, dtype) and dtype in setting.effort.formats:
            yield setting


def named_test(framework: str, name: str, effort: str) -> Test:
    """The test of a framework with this id; see Test.id."""
    identity, _, rest = name.partition("/")
    path, dtype, device, mode, check = rest.split("/")
    implementation, special = _askable(framework)[f"{identity}/{path}"]
    found = next(each for each in adapter(framework).modes if each.name == mode)
    return Test(Setting.of_framework(implementation, dtype, device, found, effort), special or CHECKS_BY_NAME[check])


@functools.cache
def _askable(framework: str) -> dict[str, tuple[Implementation, Check | None]]:
    """What is asked of a framework by id, with its check where it has one of its own."""
    own: dict[str, tuple[Implementation, Check | None]] = {
        each.id: (each, None) for each in adapter(framework).implementations
    }
    for recipe in recipes():
        if framework in recipe.calls:
            written = recipe.implementation(framework)
            own[written.id] = written, recipe.check()
    for story in STORIES:
        if framework in story.scenes:
            scene = story.implementation(framework)
            own[scene.id] = scene, story.check(framework)
    return own
