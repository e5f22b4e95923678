"""How foreign the samples are to the study's models, in words, and what that means for a tune.

for line in foreign_words(study): print(line)
"""

from __future__ import annotations

from mores.curate.foreign import Foreign, foreign
from mores.curate.rules.foreign_text import SET
from mores.study import Study

FITS = "as it writes itself: a tune can spend itself on the positions"
ODD = (
    "foreign to it: a tune will first learn this style, and may learn little else; use plainer "
    "words (docs/recipe.md)"
)


def foreign_words(study: Study) -> tuple[str, ...]:
    """Return a sentence for each set and each model that is on this machine; measures what is new.

    Raises:
        ModelError: a model that is here cannot be loaded.
    """
    return tuple(line for found in foreign(study) for line in _of_model(study, found))


def _of_model(study: Study, found: Foreign) -> list[str]:
    lines = []
    for data in (study.values, study.control):
        mean = found.mean(e.id for e in data.examples)
        if mean is not None:
            meaning = FITS if mean - found.neutral <= SET else ODD
            lines.append(
                f"{data.name} answers at {mean:.2f} nats a token under {found.model}, plain "
                f"everyday ones at {found.neutral:.2f}: {meaning}"
            )
    return lines
