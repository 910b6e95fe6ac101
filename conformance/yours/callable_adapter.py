"""A user's callable beside the framework whose arrays it takes: its adapter, and the objects of its class."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gaugeblock.adapters.base import Adapter, Array, Implementation, Lifecycle


class CallableError(Exception):
    """A user's callable cannot be asked; the message is one sentence that says what to do."""


class CallableAdapter(Adapter):
    """The adapter of a user's callable, its only implementation: how arrays go in and out is the framework's."""

    def __init__(self, base: Adapter, implementation: Implementation, namespace: Mapping[str, Any]) -> None:
        self._base, self._namespace = base, namespace
        self.implementations = (implementation,)
        for name in ("framework", "differentiable", "lay_out", "get", "on_device", "vjp"):
            setattr(self, name, getattr(base, name))

    def load(self) -> dict[str, Any]:
        """Import the framework whose arrays it takes."""
        return {**self._base.load(), **self._namespace}

    def put(self, array: Array, device: str) -> Any:
        """The framework's own array, with memory of its own: the callable may write to it."""
        return self._base.put(array.copy(), device)


LIFECYCLE = Lifecycle(
    update="metric.update",
    result="metric.result()",
    reset="metric.done('reset')",
    merge="metric.done('merge', other.metric)",
    copy="metric.copy()",
)


@dataclass
class Held:
    """An object of a user's class, as LIFECYCLE uses it.

    An act that returns an object of the class, as immutable ones do, puts it in the place of the one held.
    """

    metric: Any
    acts: Mapping[str, Callable[..., Any]]

    def done(self, verb: str, *placed: Any, **named: Any) -> None:
        """Do what is called so to the object."""
        answer = self.acts[verb](self.metric, *placed, **named)
        if isinstance(answer, type(self.metric)):
            self.metric = answer

    def update(self, *placed: Any, **named: Any) -> None:
        """Take in a batch."""
        self.done("update", *placed, **named)

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
