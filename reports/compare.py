"""What changed between two runs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from gaugeblock.reports.merge import dtype_order, grouped, main_version
from gaugeblock.reports.records import Observation, Run
from gaugeblock.reports.runfile import split_key
from gaugeblock.reports.values import ulp
from gaugeblock.reports.verdicts import ABSENT, WRONG, Verdict
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

GREW = 1.5
"""An error grew only if it is more than this many times the old one ..."""

BY = 0.5
"""... and more than this many ULP above it. What moved less moved within the bound."""

_FATAL = frozenset({Verdict.CRASHED, Verdict.TIMED_OUT})

PROCESSOR = {
    "instruction_set": "instruction set",
    "numpy_features": "NumPy's features",
    "openblas_core": "OpenBLAS core",
    "libraries": "libraries",
    "onednn_max_isa": "oneDNN's limit",
    "xla_max_isa": "XLA's limit",
}
"""Flags of a framework's processes that say for which processor it computes, with their names for a reader."""


@dataclass(frozen=True)
class Change:
    """One key, with what the old and the new run observed; None where a run has not got it."""

    key: str
    old: Observation | None
    new: Observation | None


Changes = tuple[Change, ...]


@dataclass(frozen=True)
class Comparison:
    """Every key of two runs, in exactly one category. Of runs of different effort: every key of the same case in both.

    For a key that both runs hold, the first rule that applies decides:

    - verdict_changed: a harness error on either side, which says nothing about the framework.
    - support_gained: `not_run` before, even if the answer is wrong, since nothing was known of it.
    - newly_deviating: the new answer is wrong (deviates, known, crashed, timed_out) and the old was
      not; or it now crashes or hangs and did not. That a deviation is known does not undo
      it: `known` counts as wrong here. A refusal that became a wrong answer belongs here, too.
    - support_lost, support_gained: to, or from, `unsupported` or `not_run`.
    - newly_conforming: wrong before, conforms now.
    - verdict_changed: any other change of verdict, such as known to deviates.
    - label_changed: same verdict, another label.
    - error_grew, error_shrank: the error differs by the factor GREW and by more than BY ULP. An answer
      that is no distance away (NaN where a number is expected) counts as infinitely far.
    - unchanged: no bits to compare on either side, as in a refusal.
    - bit_equal, or moved: the same bits, or others.

    A regression is what is newly deviating, lost support or otherwise got a worse verdict, and a framework that
    was measured and is not any more; no gain elsewhere makes up for it.
    """

    old: Run
    new: Run
    newly_deviating: Changes = field(default=(), metadata={"title": "newly deviating", "style": "bold red"})
    support_lost: Changes = field(default=(), metadata={"title": "support lost", "style": "bold red"})
    label_changed: Changes = field(default=(), metadata={"title": "label changed", "style": "yellow"})
    error_grew: Changes = field(default=(), metadata={"title": "error grew", "style": "yellow"})
    verdict_changed: Changes = field(default=(), metadata={"title": "verdict changed otherwise", "style": "yellow"})
    newly_conforming: Changes = field(default=(), metadata={"title": "newly conforming", "style": "green"})
    support_gained: Changes = field(default=(), metadata={"title": "support gained", "style": "green"})
    error_shrank: Changes = field(default=(), metadata={"title": "error shrank", "style": "green"})
    moved: Changes = field(default=(), metadata={"title": "moved within the bound", "style": "cyan"})
    gone: Changes = field(default=(), metadata={"title": "cases gone", "style": "dim"})
    added: Changes = field(default=(), metadata={"title": "cases added", "style": "dim"})
    bit_equal: Changes = field(default=(), metadata={"title": "bit-equal", "style": "dim"})
    unchanged: Changes = field(default=(), metadata={"title": "unchanged, without bits to compare", "style": "dim"})

    @property
    def has_regression(self) -> bool:
        """Whether anything got worse."""
        return bool(self.regressions or self.lost_frameworks)

    @property
    def regressions(self) -> Changes:
        """What is newly deviating, lost support, or otherwise got a worse verdict."""
        worse = [c for c in self.verdict_changed if c.old and c.new and c.new.verdict.rank < c.old.verdict.rank]
        return (*self.newly_deviating, *self.support_lost, *worse)

    @property
    def common(self) -> int:
        """How many keys of both runs are compared."""
        return sum(len(changes) for name, changes in self.categories().items() if name not in ("added", "gone"))

    @property
    def lost_frameworks(self) -> tuple[str, ...]:
        """Frameworks that the old run measured and the new one did not."""
        return tuple(
            name
            for name, entry in sorted(self.old.frameworks.items())
            if entry.status == "measured" and _status(self.new, name) != "measured"
        )

    def categories(self) -> dict[str, Changes]:
        """The changes by category, in the order in which they are shown."""
        return {name: getattr(self, name) for name in _TITLES}


def compare(old: Run, new: Run) -> Comparison:
    """Sort every key of the two runs into its category; see Comparison."""
    before = {observation.key: observation for observation in old.observations}
    after = {observation.key: observation for observation in new.observations}
    keys = before.keys() | after.keys()
    if old.selection.effort != new.selection.effort:
        # The worst of a range of lengths may be of a length that the other effort does not ask.
        keys = {key for key in before.keys() & after.keys() if before[key].case == after[key].case}
    found: dict[str, list[Change]] = defaultdict(list)
    for key in sorted(keys):
        change = Change(key, before.get(key), after.get(key))
        found[_category(change.old, change.new)].append(change)
    return Comparison(old, new, **{name: tuple(changes) for name, changes in found.items()})


_TITLES = {each.name: each.metadata for each in fields(Comparison) if each.metadata}


def _status(run: Run, framework: str) -> str | None:
    return run.frameworks[framework].status if framework in run.frameworks else None


def _category(old: Observation | None, new: Observation | None) -> str:
    if old is None or new is None:
        return "added" if old is None else "gone"
    was, now = old.verdict, new.verdict
    rules: tuple[tuple[str, bool], ...] = (
        ("label_changed", old.label != new.label),
        ("error_grew", _grew(_distance(old), _distance(new))),
        ("error_shrank", _grew(_distance(new), _distance(old))),
        ("unchanged", old.digest is None and new.digest is None),
        ("bit_equal", old.digest == new.digest),
        ("moved", True),
    )
    if was != now:
        rules = (
            ("verdict_changed", Verdict.HARNESS_ERROR in (was, now)),
            ("support_gained", was == "not_run"),
            ("newly_deviating", (now in WRONG and was not in WRONG) or (now in _FATAL and was not in _FATAL)),
            ("support_lost", now in ABSENT and was not in ABSENT),
            ("support_gained", was in ABSENT and now not in ABSENT),
            ("newly_conforming", was in WRONG and now == "conforms"),
            ("verdict_changed", True),
        )
    return next(name for name, holds in rules if holds)


def _distance(observation: Observation) -> float | None:
    return math.inf if observation.accuracy == "wrong" else observation.error


def _grew(was: float | None, now: float | None) -> bool:
    return was is not None and now is not None and now > GREW * was and now - was > BY


def summary_text(comparison: Comparison) -> str:
    """A few sentences: what changed, with every kind of change counted and every caveat named."""
    categories = comparison.categories()
    common = comparison.common
    equal = len(comparison.bit_equal)
    # Rounding up to 100 % would hide the one that differs.
    share = math.floor(1000 * equal / (common or 1)) / 10
    counts = [f"{len(c)} {_TITLES[name]['title']}" for name, c in categories.items() if c and name != "bit_equal"]
    where = [f"{name} is not measured any more" for name in comparison.lost_frameworks]
    where += sorted({_test(change.key) for change in comparison.regressions})
    more = f" and {len(where) - 3} more" if len(where) > 3 else ""
    sentences = [
        f"Of {common} observations in both runs, {equal} are bit-equal ({share:g} %)."
        if common
        else "The runs have no observation in common.",
        f"Other: {'; '.join(counts)}." if counts else "Nothing else changed.",
        f"Regressions: {', '.join(where[:3])}{more}." if where else "No regression.",
    ]
    return " ".join([*_scope(comparison), *sentences, *_caveats(comparison.old, comparison.new)])


def _scope(comparison: Comparison) -> Iterator[str]:
    """Sentences where the runs are of different effort, and where only the processor is another."""
    old, new = comparison.old, comparison.new
    if old.selection.effort != new.selection.effort:
        left_out = len({each.key for run in (old, new) for each in run.observations}) - comparison.common
        yield (
            f"The old run is of {old.selection.effort} effort, the new one of {new.selection.effort}: compared is what"
            f" both asked of the same case. {left_out} observations are left out, which one of them lacks or made of"
            " another case."
        )
    same = [name for name in old.frameworks if _versions(old, name) == _versions(new, name) != {}]
    models = [str(run.environment.get("processor")) for run in (old, new)]
    changed = [" → ".join(models)] if models[0] != models[1] else []
    for framework in same:
        facts = [f"{PROCESSOR[flag]} {was} → {now}" for flag, was, now in _processors(old, new, framework)]
        changed += [f"{framework}: {', '.join(facts)}"] if facts else []
    if same and changed:
        yield f"The same versions computed for another processor ({'; '.join(changed)})."


def _versions(run: Run, framework: str) -> dict[str, str]:
    return run.frameworks[framework].versions if framework in run.frameworks else {}


def _processors(old: Run, new: Run, framework: str) -> Iterator[tuple[str, str, str]]:
    """The flags of PROCESSOR in which modes of a framework differ in two runs, with both values."""
    before, after = (run.frameworks[framework].modes if framework in run.frameworks else {} for run in (old, new))
    for flag in PROCESSOR:
        both = [mode for mode in before if flag in before[mode] and flag in after.get(mode, {})]
        was, now = ({str(modes[mode][flag] or "none") for mode in both} for modes in (before, after))
        if was != now:
            yield flag, " and ".join(sorted(was)), " and ".join(sorted(now))


def _caveats(old: Run, new: Run) -> Iterator[str]:
    if old.suite.digest != new.suite.digest:
        yield "The runs were made by different versions of the suite, so a change may be the suite's."
    for name, run in (("old", old), ("new", new)):
        if run.status != "complete":
            yield f"The {name} run is {run.status}."
    for framework, entry in new.frameworks.items():
        if entry.status != "measured" and _status(old, framework) == "measured":
            why = f" ({entry.message})" if entry.message else ""
            yield f"{framework} was measured in the old run and is {Verdict(entry.status).words} in the new{why}."


def render_comparison(comparison: Comparison) -> RenderableType:
    """The comparison for a terminal: versions, a few sentences, then each category, grouped by test."""
    parts: list[RenderableType] = [_environments(comparison.old, comparison.new), Text()]
    parts += [Text(summary_text(comparison)), Text()]
    old, new = comparison.old, comparison.new
    words = {
        now for name in new.frameworks for flag, _, now in _processors(old, new, name) if flag == "instruction_set"
    }
    where = f" on {words.pop()}" if len(words) == 1 else ""
    for name, changes in comparison.categories().items():
        if changes and name not in ("bit_equal", "unchanged"):
            title = Text(f"{_TITLES[name]['title']} ({len(changes)})", _TITLES[name]["style"])
            parts += [title, _groups(name, changes, where), Text()]
    return Group(*parts[:-1])


def _environments(old: Run, new: Run) -> Table:
    table = Table("framework", "old", "new", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for framework in sorted(old.frameworks.keys() | new.frameworks.keys()):
        before, after = _versions(old, framework), _versions(new, framework)
        names = {**before, **after}
        main = main_version(framework, names)[0]
        for name in sorted(names, key=lambda n: (n != main, n)):
            was, now = before.get(name, "–"), after.get(name, "–")
            if name == main or was != now:
                shown = name if name == main else f"  with {name}"
                table.add_row(escape(shown), escape(was), escape(now), style=None if was != now else "dim")
        for flag, was, now in _processors(old, new, framework):
            table.add_row(f"  {PROCESSOR[flag]}", escape(was), escape(now))
    return table


def _groups(name: str, changes: Changes, where: str) -> Table:
    table = Table.grid(
        Column(justify="right", min_width=5, no_wrap=True), Column(overflow="fold"), padding=(0, 2, 0, 0)
    )
    for (test, from_to), members in grouped(changes, lambda each: (_test(each.key), _from_to(each))).items():
        details = [from_to, " ".join(sorted({split_key(c.key)["dtype"] for c in members}, key=dtype_order))]
        if name not in ("added", "gone"):
            furthest = max(members, key=lambda each: max(_distance(o) or 0.0 for o in (each.old, each.new) if o))
            details.append(f"worst {_example(furthest, where)}")
        line = Text(test.replace("/", " / "))
        line.append(f"\n{'; '.join(filter(None, details))}", "dim")
        table.add_row(str(len(members)), line)
    return table


def _test(key: str) -> str:
    parts = split_key(key)
    return f"{parts['operation']}/{parts['implementation']}/{parts['check']}"


def _from_to(change: Change) -> str:
    old, new = change.old, change.new
    if old is None or new is None:
        return " ".join(each.verdict.words for each in (old, new) if each is not None)
    if old.verdict != new.verdict:
        return " → ".join(f"{each.verdict.symbol} {each.verdict.words}" for each in (old, new))
    return f"“{old.label}” → “{new.label}”" if old.label != new.label else ""


def _example(change: Change, where: str) -> str:
    parts, old, new = split_key(change.key), change.old, change.new
    text = "/".join(parts[part] for part in ("dtype", "device", "mode", "case"))
    if old is not None and new is not None:
        was, now = _measured(old), _measured(new)
        if was or now:
            text += f": {was or '–'} → {now or '–'}{where}"
        if new.message and new.verdict in (WRONG | ABSENT):
            text += f" ({new.message[:120]})"
    return text


def _measured(observation: Observation) -> str:
    if observation.accuracy == "wrong":
        return observation.witness.got if observation.witness else "wrong"
    return f"{ulp(observation.error)} ULP" if observation.error is not None else ""
