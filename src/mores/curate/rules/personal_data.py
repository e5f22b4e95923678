"""M503: what looks like personal data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

from mores.curate.lint.rule import found, not_checked
from mores.curate.lint.subject import Subject
from mores.curate.rules.language_words import words_of
from mores.records import Finding, Severity
from mores.study.languages import ENGLISH

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\w+.,-])\d(?:[ -]?\d){12,18}(?![\w]|[-.,]\d)")
_PHONE = re.compile(
    r"(?<![\w.,/:+-])\+?(?:\(\d{1,5}\)[ .-]?)?\d{1,5}(?:[ ./-]?\d{2,8}){1,5}(?![\w%]|[-.,/:]\d)"
)
_NATIONAL = re.compile(
    r"\b(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b"  # United States: social security
    r"|\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"
)
_STREET = re.compile(
    r"\b\d{1,5}[a-z]?,? (?:[A-Z][\w'-]+ ){1,3}"
    r"(?:Street|St\.|Road|Rd\.|Avenue|Ave\.|Lane|Drive|Boulevard|Blvd\.|Crescent|Terrace)(?!\w)"
    r"|\b[A-ZÄÖÜ][a-zäöüß]+(?:straße|strasse|gasse|weg|platz) \d{1,4}[a-z]?\b"
)
_DATE = re.compile(r"\d{1,2}[ ./-]\d{1,2}[ ./-](?:\d{4}|\d{2})|\d{4}[ ./-]\d{1,2}[ ./-]\d{1,2}")
_YEARS = re.compile(r"(?:1[5-9]|20)\d\d(?:[ /-](?:1[5-9]|20)?\d\d)+")
_TIMES = re.compile(r"(?:[01]?\d|2[0-4])\.[0-5]\d ?[-/] ?(?:[01]?\d|2[0-4])\.[0-5]\d")
_DECIMAL = re.compile(r"\d+\.\d+")
_NUMBERS = (_DATE, _YEARS, _TIMES, _DECIMAL)
_NORTH_AMERICA = re.compile(r"(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}")
# Set aside for documentation by RFC 2606 and 6761: nobody's address.
_RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid)$", re.IGNORECASE)


class PersonalData:
    """No text holds what identifies a person: e-mail, phone, account, card, id, street address.

    Cards must pass the Luhn check and IBANs theirs, so that other long numbers
    do not count; years, dates, amounts and short help-line numbers do not
    either. Addresses under example.com and its like belong to nobody.
    """

    id = "M503"
    name = "personal-data"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for every record and kind; the data itself is masked."""
        language = subject.charter.language
        if words_of(language) is None:
            yield not_checked(self, subject, "its streets and national identity numbers")
        for item in subject.items:
            for kind, text in personal_data(f"{item.question}\n{item.answer}", language):
                yield found(
                    self,
                    item,
                    f"holds what looks like {kind}: {masked(text)}",
                    fix="delete it or describe it in general words; suppress it if it is public",
                )


def personal_data(text: str, language: str = ENGLISH) -> Iterator[tuple[str, str]]:
    """Return (kind, text) of the first match of every kind; a stretch counts once.

    Digits of other scripts are read as 0 to 9, and returned so.

    Args:
        text: any text.
        language: of the study, whose streets and identity numbers are looked for, too.
    """
    if not text.isascii():
        text = re.sub(r"\d", lambda digit: str(int(digit[0])), text)
    taken: list[tuple[int, int]] = []
    for kind, pattern, holds in _kinds(language):
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < b and a < end for a, b in taken) or not holds(match[0]):
                continue
            taken.append((start, end))
            yield kind, match[0]
            break


def masked(text: str) -> str:
    """Return the text with all but its first letter or digit of each part hidden."""
    return re.sub(r"(?<=[^\W_])[^\W_]", "*", text)


def luhn(text: str) -> bool:
    """Say whether the digits pass the check of ISO/IEC 7812 (Luhn): their sum ends in 0."""
    digits = [int(c) for c in text if c.isdigit()][::-1]
    total = sum(digits[::2]) + sum(sum(divmod(2 * d, 10)) for d in digits[1::2])
    return total % 10 == 0 and len(set(digits)) > 1


def iban(text: str) -> bool:
    """Say whether an IBAN passes its check: moved and as a number, it is 1 modulo 97."""
    packed = text.replace(" ", "")
    if not 15 <= len(packed) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in packed[4:] + packed[:4])) % 97 == 1


def phone(text: str) -> bool:
    """Say whether digits in groups are a telephone number rather than a date or an amount."""
    n = sum(c.isdigit() for c in text)
    if not 7 <= n <= 15 or any(pattern.fullmatch(text) for pattern in _NUMBERS):
        return False
    return text[0] in "+0(" or _NORTH_AMERICA.fullmatch(text) is not None


def _owned(text: str) -> bool:
    return not _RESERVED.search(text.rpartition("@")[2])


def _always(_: str) -> bool:
    return True


_IDENTITY, _ADDRESS = "a national identity number", "a street address"
Kind = tuple[str, re.Pattern[str], Callable[[str], bool]]
_KINDS: tuple[Kind, ...] = (
    ("an e-mail address", _EMAIL, _owned),
    ("a bank account (IBAN)", _IBAN, iban),
    ("a payment card", _CARD, luhn),
    (_IDENTITY, _NATIONAL, _always),
    (_ADDRESS, _STREET, _always),
    ("a telephone number", _PHONE, phone),
)
"""In order of certainty: what one kind has taken, a later one leaves alone."""


@cache
def _kinds(language: str) -> tuple[Kind, ...]:
    """What is looked for in every language, then what is of this one; a telephone number last."""
    own = words_of(language)
    more: tuple[Kind, ...] = ()
    if own is not None:
        more = tuple(
            (kind, re.compile("|".join(f"(?:{p})" for p in patterns)), _always)
            for kind, patterns in ((_IDENTITY, own.identities), (_ADDRESS, own.streets))
            if patterns
        )
    return (*_KINDS[:-1], *more, _KINDS[-1])
