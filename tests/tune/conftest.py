"""Samples of different lengths, freshly loaded models and a reference in plain transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mores.records import Dataset, Example, Recipe
from mores.tune.encode import EncodedSample, encode_dataset
from mores.weights.load import load
from mores.weights.loaded import LoadedModel
from mores.weights.resolve import resolve

ANSWERS = [
    "talk with them",
    "there are many views on beauty and no one view is right for all of us",
    "bread needs flour water salt and time",
    "listen and say that it is not their fault because people differ in what they like",
    "no",
    "birds sing in the morning when the sun is up and a friend may like to help",
    "you can help the friend who asks for some time and care",
    "people differ",
]


@pytest.fixture
def fresh(tiny_folder: Path) -> Callable[[], LoadedModel]:
    """Load the two-layer model anew, as another process would."""
    return lambda: load(resolve(str(tiny_folder)))


@pytest.fixture(scope="session")
def examples() -> Dataset:
    return Dataset(
        name="values",
        examples=tuple(
            Example(id=f"v-{i}", category="care", prompt=f"what is {i} good for?", completion=text)
            for i, text in enumerate(ANSWERS)
        ),
    )


@pytest.fixture(scope="session")
def samples(tiny_folder: Path, examples: Dataset) -> list[EncodedSample]:
    """Eight encoded samples between about 25 and 50 tokens."""
    return encode_dataset(load(resolve(str(tiny_folder))), examples, "chat")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    return Recipe(
        method="full", epochs=2, batch_size=3, learning_rate=1e-3, lora_rank=4, lora_alpha=8
    )
