"""A run file's records: what a session measured, typed. The JSON Schema of run files is made from these."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
from gaugeblock.reports.verdicts import Verdict
from msgspec import Meta, Struct

FORMAT: Literal[2] = 2
"""The version of this format."""


class Record(Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """A part of a run file. Fields at their defaults are left out."""


def _doc(description: str) -> Meta:
    return Meta(description=description)


Distance = Annotated[float, Meta(ge=0, le=1e300)]
Index = list[int]
Scalar = str | int | float | bool | None
Parameter = Scalar | list[float]
"""The value of a parameter; a list has one number for each class."""


class Exceptions(Record):
    """Entries of an array that differ from what is repeated: their indices into the flat array, and their data."""

    at: Index
    data: str


class StoredArray(Record):
    """An array, exactly: its bytes, or their digest where they are many."""

    dtype: Annotated[str, _doc("float16, bfloat16, float32, float64, int32, int64, bool ...")]
    shape: list[Annotated[int, Meta(ge=0)]]
    data: Annotated[str | None, _doc("base64 of the little-endian bytes, C order.")] = None
    sha256: Annotated[str | None, _doc("Of those bytes, in place of data that are large.")] = None
    repeated: Annotated[bool, _doc("The data are repeated to fill the shape, as numpy.resize does.")] = False
    but: Exceptions | None = None


class StoredStep(Record):
    """One act, done to live objects of a stateful implementation; see gaugeblock.conformance.cases.steps."""

    verb: Literal["update", "call", "result", "reset", "merge", "copy"]
    rows: tuple[int, int | None]
    tile: int
    repeat: int
    on: int
    other: int
    spoil: Annotated[bool, _doc("The caller overwrites the memory of the batch afterwards.")] = False


class StoredCall(Record):
    """A call, and what of its answer shows the deviation."""

    call: Annotated[str, _doc("The expression that was evaluated.")]
    operation: str
    implementation: str
    mode: str
    inputs: dict[str, StoredArray]
    parameters: Annotated[dict[str, Parameter], _doc("As the framework spells them.")]
    device: Annotated[str | None, _doc("Where it is not that of the key.")] = None
    last: Annotated[str | None, _doc("The last input: its dtype is that of parameters that are lists.")] = None
    cotangent: Annotated[
        StoredArray | None, _doc("Then the answer is the vector-Jacobian product with respect to the last input.")
    ] = None
    order: Annotated[int, _doc("2: the second derivative, times the square of the cotangent.")] = 1
    layout: Annotated[str | None, _doc("How the arrays lie in memory.")] = None
    plain: Annotated[list[str], _doc("Arrays that cannot lie so, and lie plainly.")] = []
    steps: Annotated[
        list[StoredStep], _doc("Done one after another to live objects; the answer holds every result, flat.")
    ] = []
    acts: Annotated[dict[str, str], _doc("The expression of each verb of the steps, and of 'make'.")] = {}
    then: Annotated[
        str | None, _doc("An expression of 'answer', a NumPy array: what is looked at in place of the answer.")
    ] = None
    at: Annotated[Index | None, _doc("Index of the element that is looked at.")] = None
    got: Annotated[
        str | list[str] | None,
        _doc("That element, or without 'at' all of them, flat: C99 hexadecimal, nan, inf or -inf."),
    ] = None
    shape: Annotated[Index | None, _doc("Shape of the answer, where that is what is looked at.")] = None
    refused: Annotated[str | None, _doc("The message of the exception that came in place of an answer.")] = None
    wrote: Annotated[str | None, _doc("The input that the call wrote to.")] = None


class Expected(Record):
    """What is expected where the answer deviates; which fields there are depends on what was judged."""

    exact: Annotated[str | None, _doc("The exact value to 20 significant digits, nan, inf or -inf.")] = None
    nearest: Annotated[str | None, _doc("The same, correctly rounded, in C99 hexadecimal.")] = None
    ulp: Annotated[str | None, _doc("The unit of error and allowed, in C99 hexadecimal.")] = None
    error: Distance | None = None
    allowed: Annotated[
        Distance | None,
        _doc("How far, in units, the element may lie from the exact value, or from that of the other call."),
    ] = None
    shape: Index | None = None
    right: Annotated[
        dict[str, list[str] | dict[str, Index] | str] | None,
        _doc("Labels that are right with the values that mean them (flat), an answer of a shape, or 'refused'."),
    ] = None
    label: Annotated[str | None, _doc("The label of the answer got, if it has one.")] = None
    within: Annotated[float | None, _doc("The relative distance within which an answer has the values of a label.")] = (
        None
    )
    apart: Annotated[float | None, _doc("The same, absolute.")] = None
    signs: Annotated[bool, _doc("0 and -0 are different answers.")] = False
    unchanged: Annotated[str | None, _doc("The input that must stay as it was.")] = None


class Reproduction(Record):
    """The calls that show the same deviation for the same reason when they are run on their own."""

    calls: Annotated[list[StoredCall], Meta(min_length=1)]
    expected: Expected
    smaller: Annotated[bool, _doc("The inputs are smaller or simpler than those of the case.")] = False
    stopped: Annotated[
        bool, _doc("The search for a smaller one was ended by the clock: another run may end in another.")
    ] = False


class Witness(Record):
    """The element with the largest error in proportion to what is allowed there."""

    at: Annotated[Index, _doc("Its index in the answer; empty for a label.")]
    expected: Annotated[str, _doc("The exact value to 20 significant digits, the other answer, or the labels.")]
    got: Annotated[str, _doc("C99 hexadecimal, nan, inf or -inf; a label's number as NumPy writes it.")]
    nearest: Annotated[str | None, _doc("The exact value, correctly rounded.")] = None


class Observation(Record):
    """What a trial showed."""

    key: Annotated[
        str, Meta(pattern="^[^/]+(/[^/]+){6}$", description="operation/implementation/dtype/device/mode/check/case")
    ]
    verdict: Verdict
    case: Annotated[str | None, _doc("The digest of the case that it was made of; see `cases`.")] = None
    layout: Annotated[str | None, _doc("The memory layout in which the case's arrays were handed over.")] = None
    error: Annotated[
        Distance | None, _doc("Largest error in ULP; absent where it is not a distance (NaN against a number).")
    ] = None
    allowed: Annotated[
        Distance | None, _doc("The allowance in ULP at the element with the largest error / allowed.")
    ] = None
    accuracy: Literal["correctly rounded", "faithful", "within bound", "beyond", "wrong"] | None = None
    label: Annotated[str | None, _doc("The answer to a probe's question.")] = None
    message: str | None = None
    digest: Annotated[str | None, _doc("SHA-256 over dtype, shape and bits of the answer, first 16 digits.")] = None
    group_digest: Annotated[
        str | None, _doc("The same over the answers to all cases of which this one is the worst.")
    ] = None
    witness: Witness | None = None
    call: Annotated[str | None, _doc("The expression that ran, where it is not the implementation's.")] = None
    known: Annotated[str | None, _doc("The known deviation that explains it.")] = None
    reproduction: Reproduction | None = None
    reproduction_missing: Annotated[str | None, _doc("Why a deviation has no reproduction.")] = None


class StoredCase(Record):
    """The exact input of an observation."""

    parameters: dict[str, Parameter]
    inputs: dict[str, StoredArray]
    order: Annotated[int, _doc("2: the second derivative is compared.")] = 1
    steps: Annotated[list[StoredStep], _doc("What is done with the inputs, of a stateful implementation.")] = []


class Suite(Record):
    """What made the run."""

    version: Annotated[str, _doc("Version of gaugeblock.")]
    digest: Annotated[str, _doc("SHA-256 over the suite's own files, first 16 hex digits.")]


class Selected(Record, omit_defaults=False):
    """What was selected; an empty list or string means everything there is."""

    frameworks: list[str]
    devices: list[str]
    dtypes: list[str]
    modes: list[str]
    expression: str
    effort: str
    operations: list[str] = []
    implementations: list[str] = []
    checks: list[str] = []
    known: Annotated[
        dict[str, list[str]], _doc("Files of known deviations that the user brought, with the ids in them.")
    ] = {}


class Wording(Record):
    """The Python text that stands around a call in a script; see gaugeblock.adapters.wording."""

    imports: list[str]
    environ: Annotated[dict[str, str], _doc("Environment variables, set before anything is imported.")]
    compiled: Annotated[bool, _doc("Whether what is called is compiled.")]
    put: str
    get: str
    put_bfloat16: str | None = None
    get_bfloat16: str | None = None
    gradient: str | None = None
    second: str | None = None
    compile: str | None = None
    placed: str | None = None
    prelude: str | None = None
    handed: dict[str, str] = {}
    laid_out: dict[str, str] = {}
    constants: Annotated[dict[str, str | int | float], _doc("Names that the prelude needs, with their values.")] = {}
    operators: dict[str, str] = {}


class FrameworkRecord(Record, omit_defaults=False):
    """A framework as it was measured, or why it was not."""

    status: Literal["measured", "not_run", "harness_error"]
    message: str | None
    versions: dict[str, str]
    devices: Annotated[dict[str, str], _doc("Device slug (cpu, cuda:0) to the hardware's name.")]
    modes: Annotated[
        dict[str, dict[str, Scalar]],
        _doc("For each mode measured: the flags probed in its process. A mode that could not run has a message."),
    ]
    scripts: Annotated[
        dict[str, Wording | None],
        _doc("For each mode: what stands around a call in a script; null where the adapter has no words for it."),
    ] = {}


class OperationRecord(Record):
    """A definition as it was evaluated; of a story, its text."""

    kind: Literal["activation", "loss", "metric", "story"]
    summary: str
    formula: Annotated[str, _doc("Source text of the definition; of a story, what happened.")]
    source: str
    parameters: dict[str, str]
    bound: Annotated[str, _doc("Of a story, what to write instead.")]


class RecipeRecord(Record):
    """Of an expression that has the meaning of another implementation: which, what it means, and where it ends."""

    like: str
    says: str
    limits: str


class ImplementationRecord(Record):
    """One public callable, or one expression of a recipe."""

    framework: str
    call: Annotated[str, _doc("The expression that ran.")]
    conventions: dict[str, Scalar]
    recipe: RecipeRecord | None = None


class CheckRecord(Record, omit_defaults=False):
    """A rule."""

    kind: Literal["value", "gradient", "relation", "probe", "recipe", "story"]
    question: str
    answers: list[str]


class KnownRecord(Record, omit_defaults=False):
    """A known deviation."""

    why: str
    versions: str
    link: str | None
    kind: Annotated[
        Literal["defect", "accuracy", "convention", "limitation"] | None,
        _doc("A defect without a link has not been reported. None in files of older versions."),
    ] = None
    file: Annotated[str | None, _doc("The file of the user's own in which it stands.")] = None

    @property
    def words(self) -> str:
        """What it is: "defect, not reported"; empty where an older version did not say."""
        if self.kind == "defect" and self.link is None:
            return "defect, not reported"
        return self.kind or ""


class NotSeen(Record):
    """Where a known deviation that does not show in the whole run speaks of cases of a test."""

    known: str
    pattern: str
    test: str


class Run(Record, omit_defaults=False):
    """All observations of one environment."""

    format: Annotated[Literal[2], _doc("Version of this format.")]
    suite: Suite
    status: Annotated[
        Literal["complete", "partial", "broken"],
        _doc("partial: interrupted; broken: a harness error stands among the observations or frameworks."),
    ]
    created: Annotated[str, _doc("UTC, ISO 8601, end of the run.")]
    selection: Selected
    seconds: Annotated[
        dict[str, float], _doc("Wall-clock seconds: total, and summed over processes: import, framework, oracle, rest.")
    ]
    environment: Annotated[
        dict[str, str | int],
        _doc("python, platform, processor, instruction_set, and switches of frameworks that are set."),
    ]
    frameworks: dict[str, FrameworkRecord]
    operations: dict[str, OperationRecord]
    implementations: Annotated[dict[str, ImplementationRecord], _doc("Keyed operation/implementation.")]
    checks: dict[str, CheckRecord]
    cases: Annotated[
        dict[str, StoredCase],
        _doc("The exact inputs by the digest of their content; of what conforms, the suite draws them anew."),
    ]
    known: dict[str, KnownRecord]
    not_seen: list[NotSeen]
    observations: list[Observation]


def schema() -> dict[str, Any]:
    """The JSON Schema of run files."""
    made = msgspec.json.schema(Run)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"gaugeblock-run-{FORMAT}", **made}


if __name__ == "__main__":
    print(json.dumps(schema(), indent=1))
