"""Files of the arms → what raters could tell the arms by although nobody says them.

telling(completions, media)     # ["images: all of base are 512 x 512, all of control ..."]
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from mores.records import Completion
from mores.sample.media import Kind, Media
from mores.study import ArmKey


def telling(completions: Sequence[Completion], media: Mapping[str, Media]) -> Iterator[str]:
    """Say which outward marks divide the arms, and which answers some raters cannot take in.

    A mark divides two arms where no value of the one is a value of the other: then one look tells
    them apart. Of lengths, where every answer of one is longer than every answer of the other.

    Args:
        completions: those of one model that are there.
        media: completion id → its file.
    """
    arms: dict[str, list[Media | None]] = defaultdict(list)
    for c in completions:
        arms[ArmKey(c.arm, c.seed).name].append(media.get(c.id))
    marks = {arm: {m.kind if m else "text" for m in own} for arm, own in arms.items()}
    yield from _divided("answers", marks)
    kinds: tuple[Kind, ...] = ("image", "audio", "video")
    for kind in kinds:
        own = {a: [m for m in ms if m and m.kind == kind] for a, ms in arms.items()}
        own = {arm: files for arm, files in own.items() if files}
        sizes = {a: {f"{m.width} x {m.height}" for m in ms if m.width} for a, ms in own.items()}
        sounds = {a: {_sound(m) for m in ms} for a, ms in own.items()}
        texts = {a: {"there" if m.alt else "none" for m in ms} for a, ms in own.items()}
        yield from _divided(f"{kind}, alternative text", texts)
        yield from _divided(f"{kind}, size", sizes)
        if kind != "image":
            yield from _divided(f"{kind}, sound", sounds)
            yield from _longer(kind, own)
    yield from _without(media.values())


def _sound(media: Media) -> str:
    return f"{media.rate} Hz, {media.channels} channels" if media.rate else "none"


def _divided(what: str, marks: Mapping[str, set[str]]) -> Iterator[str]:
    names = list(marks)
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            if marks[one] and marks[other] and not marks[one] & marks[other]:
                yield (
                    f"{what}: {_some(marks[one])} in {one}, {_some(marks[other])} in {other}: "
                    "raters can tell these arms apart"
                )


def _some(values: set[str]) -> str:
    listed = sorted(values)
    return " or ".join(listed[:3]) + (" and others" if len(listed) > 3 else "")


def _longer(kind: Kind, arms: Mapping[str, Sequence[Media]]) -> Iterator[str]:
    spans = {
        arm: (min(m.seconds or 0.0 for m in ms), max(m.seconds or 0.0 for m in ms))
        for arm, ms in arms.items()
        if len(ms) > 1
    }
    for one, (low, high) in spans.items():
        for other, (least, most) in spans.items():
            if high < least:
                yield (
                    f"{kind}, length: {low:.1f} to {high:.1f} seconds in {one}, {least:.1f} to "
                    f"{most:.1f} in {other}: raters can tell these arms apart"
                )


def _without(every: Collection[Media]) -> Iterator[str]:
    lacking = Counter(m.kind for m in every if not m.alt)
    for kind, count in lacking.items():
        total = sum(m.kind == kind for m in every)
        yield (
            f"{count} of {total} answers of the kind {kind} have no alternative text (alt): people "
            "who cannot see or hear them cannot rate them"
        )
    silent = sum(m.kind == "video" and m.rate is not None and not m.captions for m in every)
    if silent:
        yield f"{silent} films with sound have no captions"
