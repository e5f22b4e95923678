"""The languages of the apps: templates bound to a language, and the choice of one.

Takes a language tag or an ``Accept-Language`` header; gives a Jinja2 environment whose texts,
numbers and dates are in that language. Messages are read from ``messages/<tag>.po`` as they
are, so that a translator needs no build step. How to translate: ``messages/README.md``.

"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import Literal, NamedTuple

from babel import dates, lists, numbers, units
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.support import Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mores.errors import StoreError

HERE = Path(__file__).parent
MESSAGES = HERE / "messages"
TEMPLATES = HERE / "templates"
"""Pages that every app has; an app's own folder comes before it."""


class Language(NamedTuple):
    """A language of the interface."""

    tag: str
    """BCP 47."""
    name: str
    """In its own tongue, as people look for it."""
    direction: Literal["ltr", "rtl"]


LANGUAGES: tuple[Language, ...] = (
    Language("en", "English", "ltr"),
    Language("de", "Deutsch", "ltr"),
    Language("es", "Español", "ltr"),
    Language("ar", "العربية", "rtl"),
)
"""English first: its texts are the message ids, and what a missing message falls back to."""

# C0 (but newline and tab), DEL, C1, and surrogates, which no UTF-8 response can hold.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def language(tag: str) -> Language:
    """The language with this tag, English where there is none."""
    return next((one for one in LANGUAGES if one.tag == tag), LANGUAGES[0])


def negotiate(accept_language: str, wanted: str | None) -> str:
    """Choose a language of the interface.

    Args:
        accept_language: The request's ``Accept-Language`` header (RFC 9110, section 12.5.4),
            in any shape that a client may send.
        wanted: The tag that the person chose; it wins where we have it.

    Returns:
        A tag of `LANGUAGES`; English where nothing fits.
    """
    ranges = [(wanted or "", 2.0), *_preferences(accept_language)]
    tags = {one.tag for one in LANGUAGES}
    for name, weight in sorted(ranges, key=lambda pair: -pair[1]):
        primary = name.lower().partition("-")[0]
        if weight > 0 and primary in tags:
            return primary
    return LANGUAGES[0].tag


def visible(value: object) -> str:
    """Make control characters visible and inert.

    Args:
        value: A hostile text. Bidirectional characters stay: the block it is shown in isolates
            them (``dir="auto"`` with ``unicode-bidi: isolate``).

    Returns:
        Plain text, still to be escaped: each control character but newline and tab is replaced
        by its picture (U+2400 to U+2421), or by U+FFFD where Unicode has none.
    """
    # str.__str__ of Markup would stay Markup and so escape escaping: take the bare characters.
    return _INVISIBLE.sub(_picture, "".join(str(value)).replace("\r\n", "\n"))


@cache
def environment(tag: str, own: Path) -> Environment:
    """The templates of an app in one language.

    Args:
        tag: A tag of `LANGUAGES`; an unknown one gives English.
        own: The app's folder of templates; a name that is not there is one of `TEMPLATES`.

    Returns:
        An environment that always escapes, and raises on a variable that was not given. Filters:
        ``number``, ``percent``, ``decimal``, ``date``, ``datetime``, ``minutes``, ``seconds``
        (see the functions of this module) and ``visible``.

    Raises:
        StoreError: The language's message file is damaged.
    """
    tag = language(tag).tag
    # Always on, for every name: no template may opt out by its file's ending.
    made = Environment(
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        loader=FileSystemLoader([own, TEMPLATES]),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    made.policies["ext.i18n.trimmed"] = True
    texts = _messages(tag)
    made.install_gettext_callables(  # type: ignore[attr-defined]
        texts.gettext, texts.ngettext, newstyle=True, pgettext=None, npgettext=None
    )
    made.filters["visible"] = visible
    for name, function in _FORMATS.items():
        made.filters[name] = partial(function, tag=tag)
    return made


def number(value: int, tag: str) -> str:
    """A count, with the language's grouping of digits."""
    return numbers.format_decimal(value, locale=tag)


def decimal(value: float, tag: str) -> str:
    """A mean or a coefficient, to two decimals."""
    # Adding 0.0 makes a rounded -0.0 positive.
    return numbers.format_decimal(round(value, 2) + 0.0, format="0.00", locale=tag)


def percent(value: float, tag: str) -> str:
    """A share from 0 to 1 as whole percent."""
    return numbers.format_percent(value, locale=tag)


def day(value: date, tag: str) -> str:
    """A day."""
    return dates.format_date(value, format="medium", locale=tag)


def moment(value: float, tag: str) -> str:
    """Seconds since 1970 in UTC, and said so: people of one study sit in several time zones."""
    when = datetime.fromtimestamp(value, UTC)
    # Hours from 0 to 23 in every language: no "AM" to overlook.
    return f"{day(when, tag)}, {when:%H:%M} UTC"


def minutes(value: float, tag: str) -> str:
    """A duration given in minutes: whole minutes below 90, then hours and quarters of them."""
    whole = max(1, round(value))
    if whole < 90:
        return _unit(whole, "duration-minute", "long", tag)
    hours, rest = divmod(15 * round(whole / 15), 60)
    parts = [_unit(hours, "duration-hour", "long", tag)]
    parts += [_unit(rest, "duration-minute", "long", tag)] if rest else []
    return lists.format_list(parts, style="unit", locale=tag)


def seconds(value: float, tag: str) -> str:
    """A short duration given in seconds, to whole seconds, or to minutes from two of them on."""
    if value >= 120:
        return _unit(round(value / 60), "duration-minute", "short", tag)
    return _unit(round(value), "duration-second", "short", tag)


def _unit(value: int, unit: str, length: Literal["short", "long"], tag: str) -> str:
    return units.format_unit(value, unit, length=length, locale=tag)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _preferences(header: str) -> list[tuple[str, float]]:
    """The language ranges of the header with their weights; what cannot be read is left out."""
    found = []
    # A header is short; a long one is an attack on the splitting below.
    for part in header[:500].split(","):
        name, _, rest = part.strip().partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", rest) if rest else None
        if weight or not rest:
            found.append((name.strip(), min(1.0, float(weight[1])) if weight else 1.0))
    return found


def _messages(tag: str) -> Translations:
    """The messages of one language; absent and fuzzy ones fall back to the ids, in English."""
    if tag == LANGUAGES[0].tag:
        return Translations(None)
    path = MESSAGES / f"{tag}.po"
    compiled = BytesIO()
    try:
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=tag, abort_invalid=True), use_fuzzy=False)
    except (OSError, ValueError, PoFileError) as error:
        raise StoreError(
            f"expected a gettext message file, found one that cannot be read: {error}",
            path=path,
            fix="run the update command of messages/README.md, or reinstall mores",
        ) from error
    compiled.seek(0)
    return Translations(compiled)


_FORMATS: dict[str, Callable[..., str]] = {
    "number": number,
    "decimal": decimal,
    "percent": percent,
    "date": day,
    "datetime": moment,
    "minutes": minutes,
    "seconds": seconds,
}
