"""Which samples go into which optimiser step, and into which forward pass.

Order depends on (seed, epoch) alone. A step holds ``batch_size`` samples (the
last one of an epoch may hold fewer: it is trained all the same and normalised by
its own tokens). A step is cut into forward passes that fit ``micro_tokens``;
how it is cut changes memory, not the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from mores.records import Recipe


def epoch_batches(samples: int, batch_size: int, seed: int, epoch: int) -> list[list[int]]:
    """Return the sample indices of each step of one epoch.

    Args:
        samples: number of samples.
        batch_size: samples a step.
        seed: training seed.
        epoch: 0 for the first.
    """
    order = np.random.default_rng([seed, epoch]).permutation(samples).tolist()
    return [order[i : i + batch_size] for i in range(0, samples, batch_size)]


def micro_batches(sizes: Sequence[int], micro_tokens: int) -> list[list[int]]:
    """Cut one step into forward passes of at most ``micro_tokens`` tokens.

    Args:
        sizes: tokens of each sample of the step.
        micro_tokens: limit; a longer sample gets a pass of its own.

    Returns:
        Indices into ``sizes``; longest first, each placed where it still fits.
    """
    passes: list[list[int]] = []
    room: list[int] = []
    for index in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        fits = [p for p in range(len(passes)) if room[p] >= sizes[index]]
        if fits:
            passes[fits[0]].append(index)
            room[fits[0]] -= sizes[index]
        else:
            passes.append([index])
            room.append(micro_tokens - sizes[index])
    return passes


def shares(sizes: Sequence[int], processes: int) -> list[list[int]]:
    """Divide one step's samples among processes, with about as many tokens for each.

    Returns:
        Indices into ``sizes`` of each process: longest first, each to the one with least so far.
        One process has them all in order; some of many may have none.
    """
    if processes == 1:
        return [list(range(len(sizes)))]
    found: list[list[int]] = [[] for _ in range(processes)]
    tokens = [0] * processes
    for index in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        least = tokens.index(min(tokens))
        found[least].append(index)
        tokens[least] += sizes[index]
    return found


def steps_per_epoch(samples: int, batch_size: int) -> int:
    """Optimiser steps in one epoch, the incomplete last one included."""
    return math.ceil(samples / batch_size)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Learning rate of a step (0 for the first) of ``steps`` in all.

    Linear warm-up over ``warmup * steps`` steps (rounded up), then cosine or linear decay
    towards zero, which the step after the last would reach.
    """
    # Rounded first: 0.07 * 100 is 7.000000000000001, and one step more would be wrong.
    warm = math.ceil(round(recipe.warmup * steps, 9))
    if step < warm:
        return recipe.learning_rate * (step + 1) / warm
    if recipe.schedule == "constant":
        return recipe.learning_rate
    done = (step - warm) / max(1, steps - warm)
    if recipe.schedule == "linear":
        return recipe.learning_rate * (1 - done)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * done))
