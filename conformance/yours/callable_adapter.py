"""A user's callable beside the framework whose arrays it takes: its adapter, and the objects of its class."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gaugeblock.adapters.base import Adapter, Array, Function, Implementation, Lifecycle


class CallableError(Exception):
    """A user's callable cannot be asked; the message is one sentence that says what to do."""


@dataclass
class CallableAdapter(Adapter):
    """The adapter of a user's callable.

    The framework's adapter says how arrays go in and out; the only implementation is the callable.
    """

    base: Adapter
    implementation: Implementation
    namespace: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.framework = self.base.framework  # type: ignore[misc]
        self.differentiable = self.base.differentiable  # type: ignore[misc]
        self.spelling = {}  # type: ignore[misc]

    @property
    def implementations(self) -> tuple[Implementation, ...]:
        """The callable."""
        return (self.implementation,)

    def load(self) -> dict[str, Any]:
        """Import the framework whose arrays it takes."""
        return {**self.base.load(), **self.namespace}

    def put(self, array: Array, device: str) -> Any:
        """The framework's own array, with memory of its own: the callable may write to it."""
        return self.base.put(array.copy(), device)

    def lay_out(self, array: Array, layout: str, device: str) -> Any:
        """As the framework's."""
        return self.base.lay_out(array, layout, device)

    def get(self, answer: Any) -> Array:
        """As the framework's."""
        return self.base.get(answer)

    def on_device(self, function: Function, device: str) -> Function:
        """As the framework's."""
        return self.base.on_device(function, device)

    def vjp(self, function: Function, order: int = 1) -> Function:
        """As the framework's."""
        return self.base.vjp(function, order)


LIFECYCLE = Lifecycle(
    update="metric.update",
    result="metric.result()",
    reset="metric.reset()",
    merge="metric.merge(other)",
    copy="metric.copy()",
)


@dataclass
class Held:
    """An object of a user's class, under the names of LIFECYCLE.

    An act that returns an object of the class, as immutable ones do, puts it in the place of the one held.
    """

    metric: Any
    acts: Mapping[str, Callable[..., Any]]

    def _done(self, verb: str, *placed: Any, **named: Any) -> None:
        answer = self.acts[verb](self.metric, *placed, **named)
        if isinstance(answer, type(self.metric)):
            self.metric = answer

    def update(self, *placed: Any, **named: Any) -> None:
        """Take in a batch."""
        self._done("update", *placed, **named)

    def reset(self) -> None:
        """Forget what was taken in."""
        self._done("reset")

    def merge(self, other: Held) -> None:
        """Take in what another one has."""
        self._done("merge", other.metric)

    def result(self) -> Any:
        """The metric of what was taken in."""
        return self.acts["result"](self.metric)

    def copy(self) -> Held:
        """One of the same state."""
        return Held(copy.deepcopy(self.metric), self.acts)

    def __call__(self, *placed: Any, **named: Any) -> Any:
        """The metric of one batch."""
        self.update(*placed, **named)
        return self.result()
