"""M102: text that is empty, damaged or cannot be printed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Subject
from mores.curate.text import excerpt
from mores.records import Finding, Severity

# Invisible characters that change how text is read or split. Zero-width joiners
# are not among them: several scripts and emoji need them.
_INVISIBLE = frozenset("\u00ad\u200b\u2060\u2028\u2029\ufeff\u202a\u202b\u202c\u202d\u202e")
_ISOLATES = frozenset("\u2066\u2067\u2068\u2069")
_ENTITY = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
# Lead bytes of UTF-8 as Latin-1 or Windows-1252 shows them, with what follows them.
_MISREAD = re.compile(r"[ÂÃ][\x80-ÿ€-™ŒœŠšŸŽžƒˆ˜]|[àâãï][^\x00-\x7f]{2}|ð[^\x00-\x7f]{3}")


class BrokenText:
    """Questions and answers hold readable text: not empty, not damaged, nothing invisible.

    Looks for: only blanks; control characters other than line feed and tab;
    U+FFFD, lone surrogates, private-use and unassigned code points; invisible
    and direction-changing characters; UTF-8 that was read as another encoding
    ("Ã©" for "é"); HTML entities.
    """

    id = "M102"
    name = "broken-text"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for every text and kind of damage."""
        for item in subject.items:
            for part, text in item.texts:
                for damage, fix in damages(text):
                    yield found(self, item, f"the {part} {damage}", fix=fix)


def damages(text: str) -> Iterator[tuple[str, str]]:
    """Return (what is wrong, how to fix it) for each kind of damage in a text."""
    if not text.strip():
        yield "is empty", "write it, or delete the record"
    odd = {char: kind for char in set(text) if (kind := _kind(char))}
    for kind, fix in (
        ("a control character", "delete it; a line ends with \\n alone"),
        ("a replacement character, which stands for lost text", "restore the text"),
        ("half of a surrogate pair", "restore the character; it cannot be saved"),
        ("a code point without a meaning of its own", "replace it with what was meant"),
        ("an invisible character", "delete it"),
    ):
        at = min((text.index(char) for char in odd if odd[char] == kind), default=None)
        if at is not None:
            yield f"holds {kind}, U+{ord(text[at]):04X}, at character {at + 1}", fix
    if mojibake := _mojibake(text):
        wrong, right = mojibake
        yield (
            f"was read in the wrong encoding: {excerpt(wrong)} for {excerpt(right)}",
            "read the source again as UTF-8",
        )
    if entity := _ENTITY.search(text):
        yield f"holds the HTML entity {entity[0]!r}", "write the character itself"


def _kind(char: str) -> str:
    if char in "\n\t" or (char.isascii() and char.isprintable()):
        return ""
    if char == "\ufffd":
        return "a replacement character, which stands for lost text"
    if char in _INVISIBLE or char in _ISOLATES:
        return "an invisible character"
    return {
        "Cc": "a control character",
        "Cs": "half of a surrogate pair",
        "Co": "a code point without a meaning of its own",
        "Cn": "a code point without a meaning of its own",
    }.get(unicodedata.category(char), "")


def _mojibake(text: str) -> tuple[str, str] | None:
    """Return the first stretch that is valid UTF-8 once its characters are bytes again."""
    for match in _MISREAD.finditer(text):
        try:
            return match[0], b"".join(map(_byte, match[0])).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return None


def _byte(char: str) -> bytes:
    # Windows-1252 leaves five bytes undefined; programs pass these on as Latin-1.
    return char.encode("latin-1" if ord(char) < 0x100 else "cp1252")
