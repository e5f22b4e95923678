"""Marks for text that a reader should know about before judging it. Nothing is hidden."""

from __future__ import annotations

import re
import unicodedata


def flags(text: str) -> tuple[str, ...]:
    """Return the marks of a completion.

    ``empty``       no letter or digit in it
    ``repetitive``  of its word 4-grams (at least 16), under half are different
    ``broken``      replacement or control characters
    """
    found = []
    if not any(character.isalnum() for character in text):
        found.append("empty")
    words = re.findall(r"\w+", text.lower())
    grams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    if len(grams) >= 16 and len(set(grams)) < 0.5 * len(grams):
        found.append("repetitive")
    if any(c == "\ufffd" or (unicodedata.category(c) == "Cc" and c not in "\n\t") for c in text):
        found.append("broken")
    return tuple(found)
