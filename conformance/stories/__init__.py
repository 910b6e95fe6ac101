"""The stories, each a module: its data, its figures, and the scenes that framework processes play."""

from __future__ import annotations

from trueline.conformance.story import Story

STORIES: tuple[Story, ...] = ()
