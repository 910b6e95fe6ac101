"""The calls of a reproduction as the lines of a script: arrays in, what is called, and what is looked at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from gaugeblock.reports.records import Expected, Reproduction, StoredArray, StoredCall, StoredStep, Wording
from gaugeblock.reports.scripts import literals
from gaugeblock.reports.scripts.expressions import WIDTH, assigned, inlined, literal, names

TAKING = ("update", "call")


def _indented(lines: list[str]) -> list[str]:
    return textwrap.indent("\n".join(lines), "    ").splitlines()


class Calls:
    """The lines that the calls of one reproduction are made of, in the wordings of their modes."""

    def __init__(self, wordings: Mapping[str, Wording | None], dtype: str, device: str) -> None:
        self._wordings = wordings
        self._dtype = dtype
        self._device = device
        self._bound: dict[str, Any] = {}

    def place(self, call: StoredCall | None = None) -> dict[str, str]:
        """The device, or that of a call, in the names that wordings have for it."""
        device = (call.device if call is not None else None) or self._device
        platform, _, index = device.partition(":")
        return {"device": repr(device), "platform": repr(platform), "index": index or "0"}

    def prelude(self, wording: Wording) -> list[str]:
        """Definitions that calls need."""
        if wording.prelude is None:
            return []
        constants = {name: literal(value) for name, value in wording.constants.items()}
        return [inlined(wording.prelude, {**self.place(), **constants}), ""]

    def lines(self, record: Reproduction) -> list[str]:
        """Every call, and what of each answer is looked at: `got`, or `one` and `other` where two are compared."""
        calls = record.calls
        if calls[0].at is None and len(calls) > 1:
            return ["got = []", *(line for call in calls for line in [*self._invoked(call), self._every(call, "+=")])]
        if len(calls) > 1:
            targets = ("one", "other")
            return [
                line
                for call, target in zip(calls, targets, strict=True)
                for line in [*self._invoked(call), *self._element(call, target)]
            ]
        (call,) = calls
        expected = record.expected
        if expected.unchanged is not None:
            return self._watched(call, expected.unchanged)
        if expected.shape is not None:
            return [*self._invoked(call), f"got = {self._get(call)}.shape"]
        if call.at is not None:
            return [*self._invoked(call), *self._element(call, "got")]
        arrays, invocation = self._arrays(call), self._called(call)
        looked = [*invocation, self._every(call, "="), *self._shape(call, expected)]
        if refusable(record):
            refused = "got = f'refused: {type(error).__name__}: {error}'"
            looked = ["try:", *_indented(looked), "except Exception as error:", f"    {refused}"]
        return [*arrays, *looked]

    def _wording(self, call: StoredCall) -> Wording:
        found = self._wordings[call.mode]
        assert found is not None
        return found

    def _invoked(self, call: StoredCall) -> list[str]:
        return [*self._arrays(call), *self._called(call)]

    # Arrays

    def _arrays(self, call: StoredCall) -> list[str]:
        """The lines that make the arrays of a call; what they are called is kept for the call."""
        mentioned = _mentioned(call)
        lines: list[str] = []
        self._names: dict[str, str] = {}
        wanted = {name: stored for name, stored in call.inputs.items() if name in mentioned}
        for name, stored in wanted.items():
            lines += self._array(call, name, stored)
        for name, value in call.parameters.items():
            if isinstance(value, list):
                dtype = call.inputs[call.last or ""].dtype
                lines += self._array(call, name, literals.stored(value, dtype))
        if call.cotangent is not None:
            lines += self._array(call, "cotangent", call.cotangent)
        return lines

    def _array(self, call: StoredCall, name: str, stored: StoredArray) -> list[str]:
        layout = None if name in call.plain else call.layout
        target = name if self._bound.get(name, (stored, layout)) == (stored, layout) else f"other_{name}"
        self._names[name] = target
        if target in self._bound:
            return []
        self._bound[target] = (stored, layout)
        wording = self._wording(call)
        narrow = stored.dtype == "bfloat16" and wording.put_bfloat16 is not None
        made = literals.array(stored, bits=narrow)
        put = wording.put_bfloat16 if narrow and wording.put_bfloat16 else wording.put
        filler = "0" if stored.dtype.startswith(("int", "uint", "bool")) else "numpy.nan"
        steps = [wording.handed.get(layout or ""), put, wording.laid_out.get(layout or "")]
        texts = [inlined(text, {**self.place(call), "filler": filler}) for text in steps if text]
        return _composed(target, made, [text for text in texts if text != "array"])

    # Calls

    def _expression(self, call: StoredCall, text: str, more: Mapping[str, str] | None = None) -> str:
        plain = {name: literal(value) for name, value in call.parameters.items() if not isinstance(value, list)}
        operators = self._wording(call).operators
        return inlined(text, {**plain, **self._names, **(more or {})}, operators)

    def _called(self, call: StoredCall) -> list[str]:
        """The lines that leave the answer in `answer`, or in `answers` that of every step."""
        if call.steps:
            return self._stepped(call)
        expression = self._expression(call, call.call)
        wording = self._wording(call)
        lines = [assigned("answer", expression)]
        if call.cotangent is not None:
            values = {
                "variable": self._names[call.last or ""],
                "cotangent": self._names["cotangent"],
                "call": expression,
            }
            text = (wording.second if call.order == 2 else wording.gradient) or ""
            lines = inlined(text, {**values, "gradient": "answer", "answer": "value"}).splitlines()
        if not wording.compiled:
            return lines
        passed = [name for name in dict.fromkeys(self._names.values()) if name not in self._closed(call)]
        arguments = ", ".join(passed)
        body = [*lines, "return answer"] if call.cotangent is not None else [f"return {expression}"]
        head = ["", f"def function({arguments}):", *_indented(body), ""]
        return [*head, f"answer = {inlined(wording.compile or '', {})}({arguments})"]

    def _closed(self, call: StoredCall) -> set[str]:
        """Parameters that are arrays: they belong to what is compiled."""
        return {self._names[name] for name, value in call.parameters.items() if isinstance(value, list)}

    def _stepped(self, call: StoredCall) -> list[str]:
        made: dict[int, str] = {}
        lines = [] if call.at is not None else ["answers = []"]
        results = 0

        def metric(number: int) -> str:
            if number not in made:
                made[number] = f"metric_{number}" if number else "metric"
                lines.append(assigned(made[number], self._expression(call, call.acts["make"])))
            return made[number]

        for step in call.steps:
            act = call.acts[step.verb]
            subject = metric(step.other if step.verb == "copy" else step.on)
            more = {"metric": subject}
            if step.verb == "merge":
                more["other"] = metric(step.other)
            if step.verb in TAKING:
                batch, rows = self._batch(call, step)
                lines += batch
                if step.spoil:
                    rows, copies = _copied(rows)
                    lines += copies
                more |= rows
            text = self._expression(call, act, more)
            times = f"for _ in range({step.repeat}):\n    " if step.repeat > 1 else ""
            if step.verb == "copy":
                made[step.on] = f"metric_{step.on}" if step.on else "metric"
                text = f"{made[step.on]} = {text}"
            elif step.verb in ("result", "call"):
                last = call.at is not None and results + step.repeat > call.at[0]
                results += step.repeat
                if last:
                    return [*lines, assigned("answer", text)]
                text = text if call.at is not None else f"answers.append({text})"
            lines.append(times + text)
            if step.spoil:
                lines += [f"{target}[...] = 0" for target in rows.values()]
        return lines

    def _batch(self, call: StoredCall, step: StoredStep) -> tuple[list[str], dict[str, str]]:
        """The rows that a step hands over, as expressions, and the lines that make them where they are repeated."""
        start, stop = step.rows
        cut = "" if (start, stop) == (0, None) else f"[{start}:{'' if stop is None else stop}]"
        rows = {name: f"{target}{cut}" for name, target in self._names.items() if name in call.inputs}
        if step.tile == 1:
            return [], rows
        lines, tiled = [], {}
        put = inlined(self._wording(call).put, self.place(call))
        for name in rows:
            target = f"many_{name}"
            times = (step.tile, *[1] * (len(call.inputs[name].shape) - 1))
            array = f"numpy.tile({literals.array(call.inputs[name]).text}{cut}, {times})"
            lines += _composed(target, literals.Literal(array), [] if put == "array" else [put])
            tiled[name] = target
        return lines, tiled

    # What is looked at

    def _get(self, call: StoredCall, answer: str = "answer") -> str:
        wording = self._wording(call)
        narrow = self._dtype == "bfloat16" and wording.get_bfloat16
        return inlined(narrow or wording.get, {"answer": answer})

    def _element(self, call: StoredCall, target: str) -> list[str]:
        # The steps before an answer are left with it.
        at = [] if call.steps else call.at
        place = f"[{', '.join(map(str, at))}]" if at else ""
        if call.then is not None:
            answer = self._get(call)
            lines = [] if answer == "answer" else [f"answer = {answer}"]
            then = inlined(call.then, {})
            return [*lines, f"{target} = float({f'({then}){place}' if place else then})"]
        return [f"{target} = float({self._get(call)}{place})"]

    def _every(self, call: StoredCall, assigns: str) -> str:
        if call.steps:
            return f"got {assigns} [float({self._get(call, 'each')}) for each in answers]"
        return f"got {assigns} numpy.ravel({self._get(call)}).astype(float).tolist()"

    def _shape(self, call: StoredCall, expected: Expected) -> list[str]:
        shaped = any(isinstance(values, dict) for values in (expected.right or {}).values())
        return [f"shape = numpy.shape({self._get(call)})"] if shaped else []

    def _watched(self, call: StoredCall, name: str) -> list[str]:
        arrays = self._arrays(call)
        watched = f"{self._get(call, self._names[name])}.tobytes()"
        return [*arrays, f"before = {watched}", *self._called(call), f"after = {watched}"]


def _copied(rows: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """A batch in memory of its own, which can be overwritten afterwards."""
    targets = {name: f"batch_{name}" for name in rows}
    return targets, ["import copy", *(f"{targets[name]} = copy.deepcopy({row})" for name, row in rows.items())]


def _mentioned(call: StoredCall) -> set[str]:
    texts = call.acts.values() if call.acts else [call.call]
    return {name for text in texts for name in names(text)}


def refusable(record: Reproduction) -> bool:
    """Whether the answer, or what is expected, is a refusal."""
    return record.calls[0].refused is not None or "refused" in (record.expected.right or {}).values()


def _composed(target: str, made: literals.Literal, texts: list[str]) -> list[str]:
    """The lines that make an array and hand it over; one line where that is short."""
    comment = f"  # {made.comment}" if made.comment else ""
    if texts and len(re.findall(r"\barray\b", texts[0])) == 1 and "\n" not in made.text:
        whole = re.sub(r"(?<!\.)\barray\b", lambda _: made.text, texts[0])
        # Bits are written as what they are handed over as.
        whole = whole.replace("'uint16').view('uint16')", "'uint16')")
        if len(f"{target} = {whole}") <= WIDTH:
            rest = [f"{target} = {inlined(text, {'array': target})}" for text in texts[1:]]
            return [f"{target} = {whole}{comment}", *rest]
    return [f"{target} = {made.text}{comment}", *(f"{target} = {inlined(text, {'array': target})}" for text in texts)]
