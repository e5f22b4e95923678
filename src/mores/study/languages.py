"""Language tags, and which language a text is in.

    fault("spanish")                                         # why it is no tag of a language
    told("¿Qué puedo hacer si mi hermano no quiere ir?")     # "es"
    other_language("Was soll ich jetzt tun?", "es")          # "de"
    other_language("No.", "es")                              # "": too short to tell

Texts are told apart by py3langid (BSD-3, offline, its model is in the wheel). It is taken at its
word only where it is sure; where it cannot tell, nothing is said.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.metadata import version
from itertools import takewhile
from typing import Any

ENGLISH = "en"
SURE = 0.8
"""Least probability of a language, those it is taken for included, for it to be named."""
HARDLY = 0.1
"""A text is in another language only where the declared one has less than this."""
FEWEST_WORDS, FEWEST_LETTERS = 4, 10
"""Texts with fewer of either are too short to tell; without blanks, letters alone count."""
_LENGTH = 1000
"""Characters that are looked at: enough to tell."""
_LEAST = 1e-5
"""Probability below which a language is not kept: 60,000 texts are remembered, with 140 each."""

_TAKEN_FOR: dict[str, frozenset[str]] = {
    ENGLISH: frozenset({"sco", "pcm"}),
    "ar": frozenset({"ary", "arz"}),
    "bs": frozenset({"hr", "sr"}),
    "da": frozenset({"no", "nn"}),
    "es": frozenset({"gl", "an", "ext"}),
    "gl": frozenset({"es", "pt"}),
    "hr": frozenset({"bs", "sr"}),
    "id": frozenset({"ms", "jv"}),
    "ms": frozenset({"id"}),
    "nb": frozenset({"no", "nn", "da"}),
    "nn": frozenset({"no", "da"}),
    "no": frozenset({"nn", "da"}),
    "pt": frozenset({"gl"}),
    "sr": frozenset({"bs", "hr"}),
    "uz": frozenset({"uzs"}),
    "zh": frozenset({"wuu", "yue"}),
}
"""Language → those that py3langid takes its texts for: none of them is another language."""
HAN_KANA, THAI_KIN = "\u3040-\u30ff\u3400-\u9fff", "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Scripts written without blanks between words, as ranges of a regular expression."""
NO_BLANKS = re.compile(f"[{THAI_KIN}{HAN_KANA}]")
_UNSPACED = frozenset({"zh", "yue", "wuu", "ja", "th", "lo", "km", "my"})
_LETTERS = re.compile(r"(?<![\d_])[^\W\d_]{2,}(?![\d_])")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


def primary(tag: str) -> str:
    """Return the language of a tag in lower case: ``pt`` of ``pt-BR``."""
    return tag.partition("-")[0].lower()


def unspaced(tag: str) -> bool:
    """Say whether a language is written without blanks between words."""
    return primary(tag) in _UNSPACED


def is_english(tag: str) -> bool:
    """Say whether a tag is of English: what most rules and word lists know."""
    return primary(tag) == ENGLISH


def english_name(tag: str) -> str:
    """Return what a language is called in English: ``Spanish``; its tag where that is not known."""
    from babel import Locale

    names: dict[str, str] = dict(Locale(ENGLISH).languages)
    return names.get(primary(tag), tag)


def fault(tag: str) -> str:
    """Say why a text is no tag of a language (BCP 47), or return nothing.

    Two letters must be a language of CLDR, three letters must not have a shorter code; of the
    thousands of other three-letter codes none is refused.
    """
    if not _TAG.fullmatch(tag):
        return f"{tag!r} is no language tag"
    language = primary(tag)
    if language == ENGLISH:
        return ""
    from babel import Locale
    from babel.core import get_global

    shorter = get_global("language_aliases").get(language, "")
    if shorter and shorter != language:
        return f"the language of {tag!r} is written {shorter!r}"
    if len(language) == 2 and language not in Locale(ENGLISH).languages:
        return f"there is no language {language!r}"
    return ""


def can_tell(tag: str) -> bool:
    """Say whether the identifier knows a language, so that another can be told from it."""
    known = frozenset(map(str, _languages().nb_classes))
    return not known.isdisjoint(_family(primary(tag)))


def told(text: str) -> str:
    """Return the language of a text, or nothing where that is not sure."""
    if not _long_enough(text):
        return ""
    best = _ranked(text[:_LENGTH])[0][0]
    return best if _share(text, best) >= SURE else ""


def other_language(text: str, declared: str) -> str:
    """Return the language that a text is in, if that is surely not the declared one.

    Args:
        text: any text.
        declared: a language tag.

    Returns:
        A code of py3langid, or nothing: it is the declared language, or one that is taken for it,
        or the text is too short or too mixed to tell, or the declared language is not known.
    """
    found = told(text)
    if not found or not can_tell(declared) or found in _family(primary(declared)):
        return ""
    return found if _share(text, primary(declared)) < HARDLY else ""


def identifier() -> str:
    """Name what identifies languages, for the version of a measure."""
    return f"py3langid {version('py3langid')}"


def ranked(text: str) -> list[tuple[str, float]]:
    """Return the languages that have at least a chance in 100,000, with it, the likeliest first."""
    return list(_ranked(text[:_LENGTH]))


def _family(language: str) -> frozenset[str]:
    return _TAKEN_FOR.get(language, frozenset()) | {language}


def _share(text: str, language: str) -> float:
    family = _family(language)
    return sum(p for name, p in _ranked(text[:_LENGTH]) if name in family)


def _long_enough(text: str) -> bool:
    head = text[:_LENGTH]
    runs = _LETTERS.findall(head)
    letters = len(NO_BLANKS.findall(head)) if len(runs) < FEWEST_WORDS else sum(map(len, runs))
    return letters >= FEWEST_LETTERS


@lru_cache(maxsize=65_536)
def _ranked(text: str) -> tuple[tuple[str, float], ...]:
    likely = takewhile(lambda found: found[1] >= _LEAST, _languages().rank(text))
    return tuple((str(name), float(p)) for name, p in likely)


@cache
def _languages() -> Any:
    """The identifier: a second to load, once."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
