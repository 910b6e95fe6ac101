"""The calls of a reproduction as the lines of a script: arrays in, what is called, and what is looked at."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from gaugeblock.reports import literals
from gaugeblock.reports.expressions import WIDTH, assigned, inlined, literal, names

Record = dict[str, Any]

GIVING = ("update", "call")


def _indented(lines: list[str]) -> list[str]:
    return textwrap.indent("\n".join(lines), "    ").splitlines()


class Calls:
    """The lines that the calls of one reproduction are made of, in the wordings of their modes."""

    def __init__(self, wordings: Mapping[str, Record], dtype: str, device: str) -> None:
        self._wordings = wordings
        self._dtype = dtype
        self._device = device
        self._bound: dict[str, Any] = {}

    def place(self, call: Record | None = None) -> dict[str, str]:
        """The device, or that of a call, in the names that wordings have for it."""
        device = (call or {}).get("device", self._device)
        platform, _, index = device.partition(":")
        return {"device": repr(device), "platform": repr(platform), "index": index or "0"}

    def prelude(self, wording: Record) -> list[str]:
        """Definitions that calls need."""
        if "prelude" not in wording:
            return []
        given = {name: literal(value) for name, value in wording.get("given", {}).items()}
        return [inlined(wording["prelude"], {**self.place(), **given}), ""]

    def lines(self, record: Record) -> list[str]:
        """Every call, and what of each answer is looked at: `got`, or `one` and `other` where two are compared."""
        calls = record["calls"]
        if "at" not in calls[0] and len(calls) > 1:
            return ["got = []", *(line for call in calls for line in [*self._asked(call), self._every(call, "+=")])]
        if len(calls) > 1:
            targets = ("one", "other")
            return [
                line
                for call, target in zip(calls, targets, strict=True)
                for line in [*self._asked(call), *self._element(call, target)]
            ]
        (call,) = calls
        due = record["due"]
        if "unchanged" in due:
            return self._watched(call, due["unchanged"])
        if "shape" in due:
            return [*self._asked(call), f"got = {self._get(call)}.shape"]
        if "at" in call:
            return [*self._asked(call), *self._element(call, "got")]
        given, asked = self._given(call), self._called(call)
        seen = [*asked, self._every(call, "="), *self._shape(call, due)]
        if refusable(record):
            refused = "got = f'refused: {type(error).__name__}: {error}'"
            seen = ["try:", *_indented(seen), "except Exception as error:", f"    {refused}"]
        return [*given, *seen]

    def _wording(self, call: Record) -> Record:
        return self._wordings[call["mode"]]

    def _asked(self, call: Record) -> list[str]:
        return [*self._given(call), *self._called(call)]

    # Arrays

    def _given(self, call: Record) -> list[str]:
        """The lines that make the arrays of a call; what they are called is kept for the call."""
        mentioned = _mentioned(call)
        lines: list[str] = []
        self._names: dict[str, str] = {}
        wanted = {name: stored for name, stored in call["inputs"].items() if name in mentioned}
        for name, stored in wanted.items():
            lines += self._array(call, name, stored)
        for name, value in call["parameters"].items():
            if isinstance(value, list):
                dtype = call["inputs"][call["last"]]["dtype"]
                lines += self._array(call, name, literals.stored(value, dtype))
        if "cotangent" in call:
            lines += self._array(call, "cotangent", call["cotangent"])
        return lines

    def _array(self, call: Record, name: str, stored: Record) -> list[str]:
        layout = None if name in call.get("plain", ()) else call.get("layout")
        target = name if self._bound.get(name, (stored, layout)) == (stored, layout) else f"other_{name}"
        self._names[name] = target
        if target in self._bound:
            return []
        self._bound[target] = (stored, layout)
        wording = self._wording(call)
        narrow = stored["dtype"] == "bfloat16" and "put_bfloat16" in wording
        made = literals.array(stored, bits=narrow)
        put = wording["put_bfloat16" if narrow else "put"]
        filler = "0" if stored["dtype"].startswith(("int", "uint", "bool")) else "numpy.nan"
        steps = [wording.get("handed", {}).get(layout), put, wording.get("laid_out", {}).get(layout)]
        texts = [inlined(text, {**self.place(call), "filler": filler}) for text in steps if text]
        return _composed(target, made, [text for text in texts if text != "array"])

    # Calls

    def _expression(self, call: Record, text: str, more: Mapping[str, str] | None = None) -> str:
        plain = {name: literal(value) for name, value in call["parameters"].items() if not isinstance(value, list)}
        operators = self._wording(call).get("operators")
        return inlined(text, {**plain, **self._names, **(more or {})}, operators)

    def _called(self, call: Record) -> list[str]:
        """The lines that leave the answer in `answer`, or in `answers` that of every step."""
        if "steps" in call:
            return self._stepped(call)
        expression = self._expression(call, call["call"])
        wording = self._wording(call)
        lines = [assigned("answer", expression)]
        if "cotangent" in call:
            values = {"variable": self._names[call["last"]], "cotangent": self._names["cotangent"], "call": expression}
            text = wording["second" if call.get("order") == 2 else "gradient"]
            lines = inlined(text, {**values, "gradient": "answer", "answer": "value"}).splitlines()
        if not wording["compiled"]:
            return lines
        given = [name for name in dict.fromkeys(self._names.values()) if name not in self._closed(call)]
        arguments = ", ".join(given)
        body = [*lines, "return answer"] if "cotangent" in call else [f"return {expression}"]
        head = ["", f"def function({arguments}):", *_indented(body), ""]
        return [*head, f"answer = {inlined(wording['compile'], {})}({arguments})"]

    def _closed(self, call: Record) -> set[str]:
        """Parameters that are arrays: they belong to what is compiled."""
        return {self._names[name] for name, value in call["parameters"].items() if isinstance(value, list)}

    def _stepped(self, call: Record) -> list[str]:
        made: dict[int, str] = {}
        lines = [] if "at" in call else ["answers = []"]
        results = 0

        def metric(number: int) -> str:
            if number not in made:
                made[number] = f"metric_{number}" if number else "metric"
                lines.append(assigned(made[number], self._expression(call, call["acts"]["make"])))
            return made[number]

        for step in call["steps"]:
            act = call["acts"][step["verb"]]
            subject = metric(step["other"] if step["verb"] == "copy" else step["on"])
            more = {"metric": subject}
            if step["verb"] == "merge":
                more["other"] = metric(step["other"])
            if step["verb"] in GIVING:
                batch, rows = self._batch(call, step)
                lines += batch
                if step.get("spoil"):
                    rows, copies = _copied(rows)
                    lines += copies
                more |= rows
            text = self._expression(call, act, more)
            times = f"for _ in range({step['repeat']}):\n    " if step["repeat"] > 1 else ""
            if step["verb"] == "copy":
                made[step["on"]] = f"metric_{step['on']}" if step["on"] else "metric"
                text = f"{made[step['on']]} = {text}"
            elif step["verb"] in ("result", "call"):
                last = "at" in call and results + step["repeat"] > call["at"][0]
                results += step["repeat"]
                if last:
                    return [*lines, assigned("answer", text)]
                text = text if "at" in call else f"answers.append({text})"
            lines.append(times + text)
            if step.get("spoil"):
                lines += [f"{target}[...] = 0" for target in rows.values()]
        return lines

    def _batch(self, call: Record, step: Record) -> tuple[list[str], dict[str, str]]:
        """The rows that a step gives, as expressions, and the lines that make them where they are repeated."""
        start, stop = step["rows"]
        cut = "" if (start, stop) == (0, None) else f"[{start}:{'' if stop is None else stop}]"
        rows = {name: f"{target}{cut}" for name, target in self._names.items() if name in call["inputs"]}
        if step["tile"] == 1:
            return [], rows
        lines, tiled = [], {}
        put = inlined(self._wording(call)["put"], self.place(call))
        for name in rows:
            target = f"many_{name}"
            times = (step["tile"], *[1] * (len(call["inputs"][name]["shape"]) - 1))
            array = f"numpy.tile({literals.array(call['inputs'][name]).text}{cut}, {times})"
            lines += _composed(target, literals.Literal(array), [] if put == "array" else [put])
            tiled[name] = target
        return lines, tiled

    # What is looked at

    def _get(self, call: Record, answer: str = "answer") -> str:
        wording = self._wording(call)
        narrow = self._dtype == "bfloat16" and wording.get("get_bfloat16")
        return inlined(narrow or wording.get("get", "answer"), {"answer": answer})

    def _element(self, call: Record, target: str) -> list[str]:
        # The steps before an answer are left with it.
        at = [] if "steps" in call else call["at"]
        place = f"[{', '.join(map(str, at))}]" if at else ""
        if "then" in call:
            answer = self._get(call)
            lines = [] if answer == "answer" else [f"answer = {answer}"]
            then = inlined(call["then"], {})
            return [*lines, f"{target} = float({f'({then}){place}' if place else then})"]
        return [f"{target} = float({self._get(call)}{place})"]

    def _every(self, call: Record, assigns: str) -> str:
        if "steps" in call:
            return f"got {assigns} [float({self._get(call, 'each')}) for each in answers]"
        return f"got {assigns} numpy.ravel({self._get(call)}).astype(float).tolist()"

    def _shape(self, call: Record, due: Record) -> list[str]:
        shaped = any(isinstance(values, dict) for values in due["right"].values())
        return [f"shape = numpy.shape({self._get(call)})"] if shaped else []

    def _watched(self, call: Record, name: str) -> list[str]:
        given = self._given(call)
        watched = f"{self._get(call, self._names[name])}.tobytes()"
        return [*given, f"before = {watched}", *self._called(call), f"after = {watched}"]


def _copied(rows: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """A batch in memory of its own, which can be overwritten afterwards."""
    targets = {name: f"batch_{name}" for name in rows}
    return targets, ["import copy", *(f"{targets[name]} = copy.deepcopy({row})" for name, row in rows.items())]


def _mentioned(call: Record) -> set[str]:
    texts = call["acts"].values() if "acts" in call else [call["call"]]
    return {name for text in texts for name in names(text)}


def refusable(record: Record) -> bool:
    """Whether what came, or what is due, is a refusal."""
    return "refused" in record["calls"][0] or "refused" in record["due"].get("right", {}).values()


def _composed(target: str, made: literals.Literal, texts: list[str]) -> list[str]:
    """The lines that make an array and hand it over; one line where that is short."""
    told = f"  # {made.comment}" if made.comment else ""
    if texts and len(re.findall(r"\barray\b", texts[0])) == 1 and "\n" not in made.text:
        whole = re.sub(r"(?<!\.)\barray\b", lambda _: made.text, texts[0])
        # Bits are written as what they are handed over as.
        whole = whole.replace("'uint16').view('uint16')", "'uint16')")
        if len(f"{target} = {whole}") <= WIDTH:
            rest = [f"{target} = {inlined(text, {'array': target})}" for text in texts[1:]]
            return [f"{target} = {whole}{told}", *rest]
    return [f"{target} = {made.text}{told}", *(f"{target} = {inlined(text, {'array': target})}" for text in texts)]
