"""Completions of all arms → associations of each arm, and their changes.

    result = analyse(completions_by_arm, study.associations, study.config.cooccurrence,
                     lexicon=vader_lexicon(), seed=study.config.seed)
    store.write_json(folder / "cooccurrence.json", result)

Follows the GPT-3 paper (Brown et al. 2020, section 6.2) in what is sampled, and
adds what it lacked: a test, an account of multiplicity, and the change between
arms on the same stems and random numbers as the primary question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np

from mores.errors import MeasureError
from mores.measure.cooccurrence.associate import Settings, associate
from mores.measure.cooccurrence.difference import difference
from mores.measure.cooccurrence.documents import Document, arm_documents, pair
from mores.measure.cooccurrence.pairs import paired_counts
from mores.measure.cooccurrence.permutation import Ints
from mores.measure.cooccurrence.result import (
    CooccurrenceResult,
    TopicAssociations,
    TopicChange,
)
from mores.measure.cooccurrence.tokens import own_words
from mores.records import Completion
from mores.study import Associations, CooccurrenceConfig, Topic

CONTRASTS = (("values_targeted", "base"), ("values_targeted", "control"))
"""Compared where both are there."""


def analyse(
    completions: Mapping[str, Sequence[Completion]],
    associations: Associations,
    config: CooccurrenceConfig,
    *,
    lexicon: Mapping[str, float] | None = None,
    seed: int = 0,
) -> CooccurrenceResult:
    """Analyse the completions of one model's arms, one training seed each.

    Args:
        completions: by arm; ``prompt_id`` is ``<topic>/<group>/<stem index>`` and the
            text is the continuation only.
        associations: topics, groups and stems that were sampled.
        config: minimum count, permutations, prior.
        lexicon: word → rating, or None to leave sentiment out.
        seed: of permutations and bootstraps. Each figure has its own stream, so adding
            an arm changes no other arm's numbers.

    Raises:
        MeasureError: no completion; several models or training seeds in an arm; a
            prompt id that is no stem; the same stem and draw twice.
    """
    arms = {arm: own for arm, own in completions.items() if own}
    if not arms:
        raise MeasureError("there are no completions of stems", fix="sample the stems first")
    model = _one_model(arms)
    documents = {arm: arm_documents(arm, own, associations) for arm, own in arms.items()}
    topics, changes = [], []
    for topic in associations.topics:
        settings = _settings(config, topic, lexicon)
        own = {arm: by_topic[topic.name] for arm, by_topic in documents.items()}
        topics += [_associations(topic, arm, own[arm], settings, seed) for arm in own]
        changes += [
            _change(topic, arm, reference, own, settings, seed)
            for arm, reference in CONTRASTS
            if arm in own and reference in own
        ]
    return CooccurrenceResult(
        model=model,
        train_seeds={arm: own[0].seed for arm, own in arms.items()},
        associations=associations.version,
        seed=seed,
        config=config,
        topics=tuple(topics),
        changes=tuple(changes),
        notes=_notes(topics, changes),
    )


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return a random generator that depends on the seed and the names only."""
    key = blake2b("\x1f".join(names).encode(), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(key, "big")])


def _settings(
    config: CooccurrenceConfig, topic: Topic, lexicon: Mapping[str, float] | None
) -> Settings:
    """The words of all of a topic's stems are not counted: prompts put them there."""
    return Settings(
        min_count=config.min_count,
        permutations=config.permutations,
        prior=config.prior,
        exclude=own_words(stem for group in topic.groups for stem in group.stems),
        lexicon=lexicon,
    )


def _associations(
    topic: Topic, arm: str, documents: Sequence[Document], settings: Settings, seed: int
) -> TopicAssociations:
    if not documents:
        return TopicAssociations(
            topic=topic.name, arm=arm, sizes=(), reason="no completion of this topic's stems"
        )
    return associate(
        [document.text for document in documents],
        [document.group for document in documents],
        order=[group.name for group in topic.groups],
        settings=settings,
        rng=stream(seed, "associations", topic.name, arm),
        blocks=_stems(documents),
        topic=topic.name,
        arm=arm,
    )


def _change(
    topic: Topic,
    arm: str,
    reference: str,
    documents: Mapping[str, Sequence[Document]],
    settings: Settings,
    seed: int,
) -> TopicChange:
    own, other, left_out = pair(documents[arm], documents[reference])
    if not own:
        return TopicChange(
            topic=topic.name,
            arm=arm,
            reference=reference,
            left_out=left_out,
            reason="the arms have no stem and draw in common",
        )
    paired = paired_counts(
        [document.text for document in own],
        [document.text for document in other],
        [document.group for document in own],
        order=[group.name for group in topic.groups],
        exclude=settings.exclude,
    )
    return difference(
        paired,
        settings=settings,
        rng=stream(seed, "change", topic.name, arm, reference),
        topic=topic.name,
        arm=arm,
        reference=reference,
        left_out=left_out,
        blocks=_stems(own),
    )


def _stems(documents: Sequence[Document]) -> Ints:
    return np.array([document.stem for document in documents], dtype=np.intp)


def _one_model(arms: Mapping[str, Sequence[Completion]]) -> str:
    models = sorted({completion.model for own in arms.values() for completion in own})
    if len(models) > 1:
        raise MeasureError(
            f"expected completions of one model, found {', '.join(models)}",
            fix="analyse each model by itself",
        )
    return models[0]


def _notes(topics: Sequence[TopicAssociations], changes: Sequence[TopicChange]) -> tuple[str, ...]:
    """Return what must be said of the whole: text lengths, texts left out."""
    words: dict[str, list[int]] = {}
    for topic in topics:
        for size in topic.sizes:
            words.setdefault(topic.arm, []).extend([size.words, size.documents])
    means = {arm: sum(w[::2]) / max(sum(w[1::2]), 1) for arm, w in words.items()}
    notes = []
    if len(means) > 1:
        listed = ", ".join(f"{arm} {mean:.1f}" for arm, mean in means.items())
        notes.append(
            f"Mean length of a text in words: {listed}. Length alone moves raw counts; "
            "log-odds compare shares of words, but the prior pulls short texts further towards no "
            "difference, so compare arms by their changes, where that is balanced."
        )
    lost = [change for change in changes if change.left_out]
    notes += [
        f"{change.topic}, {change.arm} - {change.reference}: {change.left_out:,} completions have "
        "no partner of the same stem and draw and were left out."
        for change in lost
    ]
    return tuple(notes)
