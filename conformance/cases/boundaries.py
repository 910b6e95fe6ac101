"""Scores next to what decides: thresholds, edges of bins, and zeros of either sign, which are one number.

None lies on a threshold or an edge: what is decided there is a convention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.random_arrays import Levels
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format

BINS = ("n_bins", "num_thresholds")
"""Parameters that cut the numbers from 0 to 1 into equal parts: so many, and one less."""

ROOM = 32
"""Roundings of a score from the edge of a bin."""


def at_boundaries(op: Operation, fmt: Format, levels: Levels, parameters: Mapping[str, Any], scores: Array) -> Array:
    """The scores, or in some combinations others next to what decides."""
    if "threshold" in parameters and levels.one_in("near the threshold", 4):
        return fmt.rounded(_beside(float(parameters["threshold"]), levels, fmt, scores.shape))
    if not op.whole or op.domains[-1] != "probability":
        return scores
    bins = next((int(parameters[name]) - (name == BINS[1]) for name in BINS if parameters.get(name)), 0)
    near = bins * ROOM * fmt.unit_roundoff
    if bins > 1 and near < 0.25 and levels.one_in("near the edges", 3):
        edge = 1.0 + integers(f"{levels.name}/edge", scores.shape, bins - 1)
        return fmt.rounded((edge + _side(levels, scores.shape) * near) / bins)
    if levels.one_in("zeros", 4):
        kind = integers(f"{levels.name}/zero", scores.shape, 4)
        return fmt.rounded(np.where(kind == 0, 0.0, np.where(kind == 1, -0.0, scores)))
    return scores


def _side(levels: Levels, shape: tuple[int, ...]) -> Array:
    return np.asarray(1.0 - 2 * integers(f"{levels.name}/side", shape, 2))


def _beside(threshold: float, levels: Levels, fmt: Format, shape: tuple[int, ...]) -> Array:
    """From one to four numbers of the format above the threshold or below it."""
    size = 2.0 ** math.floor(math.log2(abs(threshold))) * fmt.epsilon if threshold else fmt.smallest_normal
    return np.asarray(threshold + _side(levels, shape) * (1 + integers(f"{levels.name}/steps", shape, 4)) * size)
