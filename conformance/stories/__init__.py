"""The stories, each a module: its data, its figures, and the scenes that framework processes play."""

from __future__ import annotations

from gaugeblock.conformance.stories import (
    accuracy_too_good,
    never_thresholded,
    one_output_unit,
    one_unit_or_two,
    three_animals,
)
from gaugeblock.conformance.stories.base import Story

STORIES: tuple[Story, ...] = (
    one_output_unit.STORY,
    one_unit_or_two.STORY,
    three_animals.STORY,
    never_thresholded.STORY,
    accuracy_too_good.STORY,
)
