"""The calls of a reproduction as the lines of a script: arrays in, what is called, and what is looked at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from gaugeblock.reports.records import Reproduction, StoredArray, StoredCall, StoredStep, Wording
from gaugeblock.reports.scripts import literals
from gaugeblock.reports.scripts.expressions import WIDTH, assigned, inlined, literal, names


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
        calls, expected = record.calls, record.expected
        if len(calls) > 1 and calls[0].at is None:
            return ["got = []", *(line for each in calls for line in [*self._invoked(each), self._every(each, "+=")])]
        if len(calls) > 1:
            pairs = zip(calls, ("one", "other"), strict=True)
            return [line for each, target in pairs for line in [*self._invoked(each), *self._element(each, target)]]
        (call,) = calls
        arrays, called = self._arrays(call), self._called(call)
        if expected.unchanged is not None:
            watched = f"{self._get(call, self._names[expected.unchanged])}.tobytes()"
            return [*arrays, f"before = {watched}", *called, f"after = {watched}"]
        if expected.shape is not None:
            return [*arrays, *called, f"got = {self._get(call)}.shape"]
        if call.at is not None:
            return [*arrays, *called, *self._element(call, "got")]
        looked = [*called, self._every(call, "=")]
        if any(isinstance(values, dict) for values in (expected.right or {}).values()):
            looked.append(f"shape = numpy.shape({self._get(call)})")
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
        mentioned = {name for text in call.acts.values() or [call.call] for name in names(text)}
        wanted = {name: stored for name, stored in call.inputs.items() if name in mentioned}
        for name in _lists(call):
            wanted[name] = literals.stored(call.parameters[name], call.inputs[call.last or ""].dtype)
        if call.cotangent is not None:
            wanted["cotangent"] = call.cotangent
        self._names: dict[str, str] = {}
        return [line for name, stored in wanted.items() for line in self._array(call, name, stored)]

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
        plain = {name: literal(value) for name, value in call.parameters.items()}
        return inlined(text, {**plain, **self._names, **(more or {})}, self._wording(call).operators)

    def _called(self, call: StoredCall) -> list[str]:
        """The lines that leave the answer in `answer`, or in `answers` that of every step."""
        if call.steps:
            return self._stepped(call)
        expression = self._expression(call, call.call)
        wording = self._wording(call)
        lines = [assigned("answer", expression)]
        body = [f"return {expression}"]
        if call.cotangent is not None:
            own = {"variable": self._names[call.last or ""], "cotangent": self._names["cotangent"], "call": expression}
            text = (wording.second if call.order == 2 else wording.gradient) or ""
            lines = inlined(text, {**own, "gradient": "answer", "answer": "value"}).splitlines()
            body = [*lines, "return answer"]
        if not wording.compiled:
            return lines
        # Parameters that are arrays belong to what is compiled.
        closed = {self._names[name] for name in _lists(call)}
        arguments = ", ".join(name for name in dict.fromkeys(self._names.values()) if name not in closed)
        head = ["", f"def function({arguments}):", *_indented(body), ""]
        return [*head, f"answer = {inlined(wording.compile or '', {})}({arguments})"]

    def _stepped(self, call: StoredCall) -> list[str]:
        made: dict[int, str] = {}
        lines = [] if call.at is not None else ["answers = []"]
        results = 0

        def metric(number: int) -> str:
            if number not in made:
                made[number] = _metric(number)
                lines.append(assigned(made[number], self._expression(call, call.acts["make"])))
            return made[number]

        for step in call.steps:
            subject = metric(step.other if step.verb == "copy" else step.on)
            more = {"metric": subject}
            if step.verb == "merge":
                more["other"] = metric(step.other)
            rows: dict[str, str] = {}
            if step.verb in ("update", "call"):
                batch, rows = self._batch(call, step)
                lines += batch
            text = self._expression(call, call.acts[step.verb], more | rows)
            times = f"for _ in range({step.repeat}):\n    " if step.repeat > 1 else ""
            if step.verb == "copy":
                made[step.on] = _metric(step.on)
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
        """The rows that a step hands over, as expressions, and the lines that make them where they need any."""
        start, stop = step.rows
        cut = "" if (start, stop) == (0, None) else f"[{start}:{'' if stop is None else stop}]"
        rows = {name: f"{target}{cut}" for name, target in self._names.items() if name in call.inputs}
        lines = []
        if step.tile > 1:
            put = inlined(self._wording(call).put, self.place(call))
            for name in rows:
                times = (step.tile, *[1] * (len(call.inputs[name].shape) - 1))
                array = f"numpy.tile({literals.array(call.inputs[name]).text}{cut}, {times})"
                rows[name] = f"many_{name}"
                lines += _composed(rows[name], literals.Literal(array), [] if put == "array" else [put])
        if step.spoil:
            # A batch in memory of its own, which is overwritten afterwards.
            lines += ["import copy", *(f"batch_{name} = copy.deepcopy({row})" for name, row in rows.items())]
            rows = {name: f"batch_{name}" for name in rows}
        return lines, rows

    # What is looked at

    def _get(self, call: StoredCall, answer: str = "answer") -> str:
        wording = self._wording(call)
        narrow = self._dtype == "bfloat16" and wording.get_bfloat16
        return inlined(narrow or wording.get, {"answer": answer})

    def _element(self, call: StoredCall, target: str) -> list[str]:
        # The steps before an answer are left with it.
        at = [] if call.steps else call.at
        place = f"[{', '.join(map(str, at))}]" if at else ""
        if call.then is None:
            return [f"{target} = float({self._get(call)}{place})"]
        answer, then = self._get(call), inlined(call.then, {})
        lines = [] if answer == "answer" else [f"answer = {answer}"]
        return [*lines, f"{target} = float({f'({then}){place}' if place else then})"]

    def _every(self, call: StoredCall, assigns: str) -> str:
        if call.steps:
            return f"got {assigns} [float({self._get(call, 'each')}) for each in answers]"
        return f"got {assigns} numpy.ravel({self._get(call)}).astype(float).tolist()"


def _lists(call: StoredCall) -> list[str]:
    """Parameters that have one number for each class."""
    return [name for name, value in call.parameters.items() if isinstance(value, list)]


def _metric(number: int) -> str:
    return f"metric_{number}" if number else "metric"


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
