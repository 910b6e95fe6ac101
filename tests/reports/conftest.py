import pytest
from gaugeblock.reports.records import Run
from rich.console import Console, RenderableType

from .synthetic import DEVIATES, Renderer, key, make_run, observation


@pytest.fixture
def mixed() -> Run:
    """A bit of everything."""
    threshold = {"operation": "accuracy", "check": "score-at-threshold", "case": "half"}
    return make_run(
        [
            observation(key(case="one")),
            observation(key(case="two"), "deviates", **DEVIATES),
            observation(key(case="three"), "known", **{**DEVIATES, "error": 9.0}, known="alpha-overflow"),
            observation(key(dtype="float64"), error=1.25, allowed=4.0, accuracy="within bound", digest="2" * 16),
            observation(key("beta.sigmoid"), "unsupported", message="beta refuses"),
            observation(key("beta.sigmoid", check="gradient"), error=0.75, allowed=4.0, accuracy="faithful"),
            observation(key("beta.softmax", operation="softmax", check="shift"), "crashed", message="signal 11"),
            observation(key("alpha.acc", **threshold), label="yes (>=)"),
            observation(key("alpha.acc", dtype="float64", **threshold), label="no (>)"),
            observation(key("beta.acc", **threshold), label="no (>)"),
        ],
        versions={"beta": {"beta": "2.3.1", "gamma": "9"}},
    )


@pytest.fixture
def renderer() -> Renderer:
    """What a terminal of 100 columns shows."""

    def render(renderable: RenderableType, width: int = 100) -> str:
        console = Console(width=width, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            console.print(renderable)
        return capture.get()

    return render
