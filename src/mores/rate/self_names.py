"""An output and the study's models -> the phrases that tell which model, maker or arm wrote it.

The rule is fixed before anybody rates: words, patterns and what must not count are in
data/self_names.toml, and `RULE` names their version. A marked output is still rated; results are
given with and without the marked ones.

    self_names("I am SmolLM, made by Hugging Face.", ["smollm2-135m"])
    # ("SmolLM", "Hugging Face")
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

RULE = "names-itself/1.0.0"
"""Id and version of the rule, kept with every flag that it sets; the version is the file's."""

# Latin letters and digits only: "我是Qwen" has no space before the name.
_BEFORE, _AFTER = r"(?<![0-9A-Za-zÀ-ɏ])", r"(?![0-9A-Za-zÀ-ɏ])"
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−"), "-")
_MARKS = {**dict.fromkeys(map(ord, "’‘`´"), "'"), **dict.fromkeys(map(ord, '*"“”„«»'), "")}


class _Words(NamedTuple):
    """What the names of the study's models add, as patterns."""

    names: set[str]
    ambiguous: set[str]
    makers: set[str]


class _Rule(NamedTuple):
    """Compiled patterns."""

    exceptions: re.Pattern[str]
    any: re.Pattern[str]
    """Any of those wanted."""
    wanted: tuple[re.Pattern[str], ...]


def self_names(output: str, models: Sequence[str]) -> tuple[str, ...]:
    """Return the phrases of an output that name its model, maker or arm.

    Args:
        output: the text as the model wrote it.
        models: names of the study's models: bundled, Hub ids, folders or GGUF files.

    Returns:
        The phrases in order of their first place, each once, with plain quotes and hyphens;
        empty where there is none.
    """
    rule = _rule(tuple(models))
    text = rule.exceptions.sub(" ", plain(output))
    if not rule.any.search(text):  # most texts: read once instead of once a pattern
        return ()
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(m.span() for pattern in rule.wanted for m in pattern.finditer(text)):
        if merged and start < merged[-1][1]:  # two patterns on the same words: one phrase
            start, before = merged.pop()
            stop = max(stop, before)
        merged.append((start, stop))
    found: dict[str, str] = {}
    for start, stop in merged:
        found.setdefault(text[start:stop].casefold(), text[start:stop])
    return tuple(found.values())


def plain(text: str) -> str:
    """Return a text as the rule reads it: NFKC, without marks that only dress it up."""
    text = unicodedata.normalize("NFKC", text).translate(_DASHES).translate(_MARKS)
    if not text.isascii():  # ASCII has no such character
        text = "".join(c for c in text if unicodedata.category(c) != "Cf")  # as zero-width spaces
    text = re.sub(r"(?<!\w)_+|_+(?!\w)", "", text)
    return re.sub(r"\s+", " ", text).strip()


@cache
def _file() -> dict[str, Any]:
    place = resources.files("mores.rate").joinpath("data", "self_names.toml")
    return tomllib.loads(place.read_text("utf-8"))


@lru_cache(maxsize=8)
def _rule(models: tuple[str, ...]) -> _Rule:
    """Return what counts for a study with these models."""
    data, words = _file(), _words(models)
    names = [_name(n) + r"(?:[-_]?v?\d\w*(?:\.\d\w*)*)?" for n in data["names"]]
    names += [*data["spellings"], *words.names]
    ambiguous = [*(_name(entry["name"]) for entry in data["ambiguous"]), *words.ambiguous]
    blocks = {
        **data["blocks"],
        "NAME": _either(ambiguous),
        "ALONE": _either(_name(e["name"]) for e in data["ambiguous"] if e.get("alone")),
        "ANY": _either([*names, *ambiguous]),
        "MAKER": _either([*map(_name, data["makers"]), *words.makers]),
    }
    templates = [*data["patterns"]["contexts"], *data["patterns"]["arms"]]
    wanted = [_either(names), *(_filled(template, blocks) for template in templates)]
    return _Rule(
        _compiled(_either(data["exceptions"])),
        _compiled("|".join(f"(?:{pattern})" for pattern in wanted)),
        tuple(map(_compiled, wanted)),
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{_BEFORE}(?:{pattern}){_AFTER}", re.IGNORECASE)


def _filled(template: str, blocks: dict[str, str]) -> str:
    def block(match: re.Match[str]) -> str:
        return blocks[match[1]]

    return re.sub(r"<([A-Z][A-Z ]*)>", block, template)


def _either(patterns: Iterable[str]) -> str:
    # Longer ones first: of two that start alike the whole name is to be found.
    return "(?:" + "|".join(sorted(set(patterns), key=lambda p: (-len(p), p))) + ")"


def _name(name: str) -> str:
    return "[- ]".join(map(re.escape, name.split()))


def _words(models: tuple[str, ...]) -> _Words:
    """Make names of the study's models into patterns, as the data file describes."""
    words = _Words(set(), set(), set())
    for model in models:
        owner, name = _owner_and_name(unicodedata.normalize("NFKC", model))
        anywhere, plain_words = _sorted_parts(name)
        of_owner, owner_words = _sorted_parts(owner)
        words.names.update(anywhere, of_owner)
        words.ambiguous.update(plain_words)
        words.makers.update(owner_words)
        if (anywhere or plain_words) and any(c.isdigit() for c in name):
            words.names.add("[-_]?".join(map(re.escape, _parts(name))))
    return words


def _owner_and_name(model: str) -> tuple[str, str]:
    """Split a Hub id; of a path only the last part is a name."""
    steps = [step for step in re.split(r"[/\\]", model.removesuffix(".gguf")) if step]
    is_hub_id = len(steps) == 2 and "\\" not in model and model[0] not in "/.~"
    return (steps[0] if is_hub_id else ""), (steps[-1] if steps else "")


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[\s_-]+", name) if part]


def _sorted_parts(name: str) -> tuple[set[str], set[str]]:
    """Return patterns of a name's parts: those that count anywhere, and ordinary words."""
    generic = _file()["generic"]
    known = {entry["name"].casefold() for entry in _file()["ambiguous"]}
    anywhere: set[str] = set()
    ordinary: set[str] = set()
    for part in _parts(name):
        match = re.fullmatch(r"([^\W\d_]{3,})([\d.][\w.]*)?", part)
        if not match or re.fullmatch(generic["pattern"], part, re.IGNORECASE):
            continue
        word, number = match[1], match[2]
        if word.casefold() in generic["words"]:
            continue
        if number:
            tie = "[-_]?" if word.casefold() in known else "[-_ ]?"
            anywhere.add(f"{re.escape(word)}{tie}{re.escape(number)}")
        if re.search(r"[a-z][A-Z]", word):
            anywhere.add(re.escape(word))
        elif not number or word.casefold() not in known:
            ordinary.add(re.escape(word))
    return anywhere, ordinary
