"""A study → variants.jsonl: its test prompts and pairs asked in other ways.

    made = vary(study)                                       by every rule of the language
    made = vary(study, kinds=("paraphrase",), model="big", endpoint="http://localhost:8000/v1")

What people have written or read stays as it is. What a rule made before is made anew, so that a
changed prompt has no variant of what it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mores import store
from mores.errors import StudyError, did_you_mean
from mores.progress import Progress
from mores.records import DRAFT, Prompt, StancePair, Variant
from mores.study import Study
from mores.study.rewrite import rewrite_lines
from mores.study.variants import FILE, made_from
from mores.vary.prompts.rules import kinds as kinds_of
from mores.vary.prompts.rules import reword
from mores.vary.prompts.write import BY_MODEL, written_by

RULE = "rule "
"""Begins the ``source`` of what a rule made."""
Of = Literal["prompts", "pairs", "both"]


@dataclass(frozen=True)
class Varied:
    """What variants.jsonl has now."""

    path: Path
    kinds: dict[str, int]
    """Kind → variants of it."""
    fresh: int
    """Made by this call, and new or other than before."""
    unread: int
    """Written by a model and asked of nobody until somebody has put their name into reviewer."""
    skipped: dict[str, str]
    """Kind → why nothing was made of it for some prompts or pairs."""


def vary(
    study: Study,
    *,
    kinds: tuple[str, ...] = (),
    of: Of = "both",
    each: int = 0,
    model: str | None = None,
    endpoint: str | None = None,
    key_env: str = "",
    most_tokens: int = 0,
    progress: Progress | None = None,
) -> Varied:
    """Ask the test prompts and stance pairs in other ways, and write them into variants.jsonl.

    Rules make typos, lower_case, capitals, formal, indirect, hypothetical, role_play, informal,
    learner, push_back, prefill and long_context, as far as the charter's language has them.
    A paraphrase is written by a model, and asked of nobody until a person has read it.

    Args:
        study: with test prompts, or pairs.
        kinds: which (may be repeated); by default all that rules make.
        of: prompts, pairs or both.
        each: so many prompts and pairs of each category, the first ones; 0: all.
        model: who writes paraphrases: with an endpoint, its name there.
        endpoint: address of an OpenAI-compatible service, such as http://localhost:8000/v1; by
            default that of the model in study.toml.
        key_env: environment variable that holds the service's key.
        most_tokens: budget of all paraphrases, read and drawn together; 0: none.
        progress: where to show how far it is.

    Raises:
        StudyError: no such kind in this language, or nothing to vary.
        ModelError, ServiceError: the model cannot be asked; what came is kept.
        StoreError: the file cannot be written.
    """
    progress = progress or Progress(quiet=True)
    language = study.charter.language
    wanted = _checked(kinds or kinds_of(language), language)
    originals = _originals(study, of, each)
    if not originals:
        raise StudyError(
            "no test prompt or pair to vary",
            path=study.folder,
            fix='write some with "split": "test", or see --of',
        )
    path = study.folder / FILE
    there = _there(study, path)
    skipped: dict[str, str] = {}
    made = list(_by_rule(originals, wanted, language, skipped))
    made += written_by(
        [(o, _text(o)) for o in originals if "paraphrase" in wanted],
        study,
        there,
        model=model,
        endpoint=endpoint,
        key_env=key_env,
        most_tokens=most_tokens,
        progress=progress,
    )
    after = _merged(there, made, wanted, {o.id for o in originals})
    before = {one.id: one for one in there}
    fresh = sum(before.get(one.id) != one for one in after)
    if fresh or len(after) != len(there):
        text = store.read_text(path) if path.exists() else ""
        store.write_text(path, rewrite_lines(text, after))
    return Varied(
        path=path,
        kinds=dict(Counter(one.kind for one in after)),
        fresh=fresh,
        unread=sum(one.unread for one in after),
        skipped=skipped,
    )


def _there(study: Study, path: Path) -> list[Variant]:
    """What the file has, without what rules made of prompts and pairs that are gone."""
    if not path.exists():
        return []
    known = {p.id for p in study.prompts} | {p.id for p in study.stance}
    kept = [
        one
        for one in store.read_jsonl(path, Variant)
        if one.varies in known or not one.source.startswith(RULE)
    ]
    unknown = next((one for one in kept if one.varies not in known), None)
    return list(study.variants) if unknown else kept


def _checked(kinds: Sequence[str], language: str) -> tuple[str, ...]:
    known = (*kinds_of(language), BY_MODEL)
    for kind in kinds:
        if kind not in known:
            raise StudyError(
                f"no rule makes {kind!r} in the language {language!r}{did_you_mean(kind, known)}",
                where="--kinds",
                fix=f"there are: {', '.join(known)}; people may write any kind into {FILE}",
            )
    return tuple(dict.fromkeys(kinds))


def _originals(study: Study, of: Of, each: int) -> list[Prompt | StancePair]:
    """What is varied: of each category the first ones."""
    groups: list[Sequence[Prompt | StancePair]] = []
    if of != "pairs":
        groups.append(study.chosen_prompts)
    if of != "prompts":
        groups.append(study.pairs("test"))
    found: list[Prompt | StancePair] = []
    for group in groups:
        taken: Counter[str] = Counter()
        for one in group:
            taken[one.category] += 1
            if not each or taken[one.category] <= each:
                found.append(one)
    return found


def _text(original: Prompt | StancePair) -> str:
    return original.text if isinstance(original, Prompt) else original.prompt


def _by_rule(
    originals: Sequence[Prompt | StancePair],
    wanted: Sequence[str],
    language: str,
    skipped: dict[str, str],
) -> Iterator[Variant]:
    for kind in wanted:
        if kind == BY_MODEL:
            continue
        for one in originals:
            if isinstance(one, StancePair) and kind == "push_back":
                skipped[kind] = "pairs have no answer of the model's own to push back against"
                continue
            if one.earlier or (isinstance(one, Prompt) and one.prefill):
                skipped[kind] = "what has earlier turns or a given beginning is varied by people"
                continue
            name = f"{one.id}.{kind}"
            own = one.language or language
            if kind not in kinds_of(own):
                skipped[kind] = f"there is no such rule for {own}"
                continue
            asked = reword(kind, _text(one), own, name)
            if asked is None:
                skipped[kind] = "some questions have nothing that it changes"
                continue
            yield Variant(
                id=name,
                varies=one.id,
                kind=kind,
                text=asked.text,
                earlier=asked.earlier,
                prefill=asked.prefill,
                language=one.language,
                source=f"{RULE}{kind}",
                made_from=made_from(_text(one)),
            )


def _merged(
    there: Sequence[Variant], made: Sequence[Variant], wanted: Sequence[str], varied: set[str]
) -> list[Variant]:
    """What people wrote or read, what rules made, in the order of the file; new ones last."""
    fresh = {one.id: one for one in made}
    kept: list[Variant] = []
    for one in there:
        ours = one.source.startswith((RULE, DRAFT)) and not one.reviewer
        if again := fresh.pop(one.id, None):
            kept.append(again if ours else one)
            continue
        made_before = ours and one.source.startswith(RULE)
        if not (made_before and one.kind in wanted and one.varies in varied):
            kept.append(one)
    return [*kept, *fresh.values()]
