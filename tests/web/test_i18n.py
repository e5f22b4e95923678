"""The message files against the templates, and the choice and the formats of a language."""

import re
from datetime import date, datetime, timedelta, timezone
from gettext import c2py

import pytest
from babel.core import Locale
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from mores.errors import StoreError
from mores.web import i18n
from mores.web.i18n import HERE, LANGUAGES, MESSAGES, environment, language, negotiate, visible

ROOMS = HERE.parent
"""Under it lie the templates of all apps."""


def environment_of(tag):
    return environment(tag, HERE / "nothing")


TAGS = [one.tag for one in LANGUAGES]
TRANSLATED = TAGS[1:]
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|%|.?)")


def extracted():
    """The ids in the templates and in this room's modules; a plural as (one, other)."""
    with (MESSAGES / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file, "babel.cfg")
    found = extract_from_dir(str(ROOMS), method_map=methods, options_map=options)
    return {message for _, _, message, _, _ in found}


def catalog(name):
    with (MESSAGES / name).open("rb") as file:
        return read_po(file, abort_invalid=True)


def messages(name):
    return {one.id: one for one in catalog(name) if one.id}


def forms(value):
    return [value] if isinstance(value, str) else list(value)


def test_the_template_file_is_what_extraction_gives():
    assert set(messages("messages.pot")) == extracted()


def test_every_language_has_a_file_and_every_file_a_language():
    assert {path.stem for path in MESSAGES.glob("*.po")} == set(TRANSLATED)


@pytest.mark.parametrize("tag", TRANSLATED)
def test_every_message_is_translated_and_none_is_fuzzy_or_left_over(tag):
    mine = messages(f"{tag}.po")
    assert set(mine) == extracted()
    for one in mine.values():
        assert not one.fuzzy, one.id
        assert all(form.strip() for form in forms(one.string)), one.id


@pytest.mark.parametrize("tag", TRANSLATED)
def test_placeholders_are_those_of_the_original(tag):
    for one in messages(f"{tag}.po").values():
        original = forms(one.id)[-1]
        for form in forms(one.string):
            # %% or a name; a lone % would break the formatting at run time.
            assert all(match[0] == "%%" or match[1] for match in PLACEHOLDER.finditer(form)), form
        # A form for one or two may say the number in words; the last form is the general one.
        last = set(PLACEHOLDER.findall(forms(one.string)[-1]))
        assert last == set(PLACEHOLDER.findall(original)), one.id


@pytest.mark.parametrize("tag", TRANSLATED)
def test_no_message_could_break_out_of_an_attribute(tag):
    for one in messages(f"{tag}.po").values():
        for form in (*forms(one.string), *forms(one.id)):
            assert not set('<>"&') & set(form), form


@pytest.mark.parametrize("tag", TRANSLATED)
def test_plural_forms_are_those_of_cldr(tag):
    mine = catalog(f"{tag}.po")
    index = c2py(mine.plural_expr)
    rule = Locale.parse(tag).plural_form
    seen = {(rule(n), index(n)) for n in range(1000)}
    # One gettext form for each plural category of CLDR, both ways.
    assert len(seen) == len({a for a, _ in seen}) == len({b for _, b in seen}) == mine.num_plurals
    for one in mine:
        if isinstance(one.id, tuple):
            assert len(forms(one.string)) == mine.num_plurals, one.id


def test_arabic_counts_in_six_ways():
    text = environment_of("ar").from_string(
        "{% trans count=n, shown=n|number %}You rated one text today. Thank you."
        "{% pluralize count %}You rated {{ shown }} texts today. Thank you.{% endtrans %}"
    )
    assert "نصًا واحدًا" in text.render(n=1)
    assert "نصّين" in text.render(n=2)
    assert "3 نصوص" in text.render(n=3)
    assert "11 نصًا" in text.render(n=11)
    assert "100 نص." in text.render(n=100)
    assert len({text.render(n=n) for n in (0, 1, 2, 3, 11, 100)}) == 6


def test_what_a_message_quotes_is_what_the_page_says():
    def said(tag, text):
        return environment_of(tag).from_string("{{ _(text) }}").render(text=text)

    for tag in TAGS:
        hint = said(
            tag, "A text that makes no sense need not be rated: choose “It cannot be rated”."
        )
        assert said(tag, "It cannot be rated") in hint
        hint = said(
            tag,
            "It was saved the first time, with another answer than now. The first one is kept. "
            "You can change it with “Change your last answer”.",
        )
        assert said(tag, "Change your last answer") in hint


@pytest.mark.parametrize(
    ("header", "wanted", "tag"),
    [
        ("", None, "en"),
        ("*", None, "en"),
        ("fr, pt;q=0.9", None, "en"),
        ("ar", None, "ar"),
        ("de-CH, en;q=0.5", None, "de"),
        ("en;q=0.5, es-419;q=0.9", None, "es"),
        ("fr, de;q=0.3, es;q=0.3", None, "de"),  # equal weights: the order given
        ("de;q=0, es;q=0.1", None, "es"),  # q=0 means "not acceptable" (RFC 9110, 12.4.2)
        ("de", "ar", "ar"),
        ("de", "AR-eg", "ar"),
        ("de", "xx", "de"),
        ("de", "", "de"),
        ("es;q=high, de;q=0.1", None, "de"),
        (";;;,,=q", None, "en"),
        ("de," * 100_000, None, "de"),
    ],
)
def test_negotiation(header, wanted, tag):
    assert negotiate(header, wanted) == tag


@given(st.text(max_size=80), st.none() | st.text(max_size=10))
def test_negotiation_always_ends_in_a_language_that_we_have(header, wanted):
    assert negotiate(header, wanted) in TAGS


def test_a_language_is_found_by_its_tag():
    assert language("ar").direction == "rtl"
    assert language("xx").tag == "en"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x00b", "a\u2400b"),
        ("\x1b[31m", "\u241b[31m"),
        ("\x7f\x85", "\u2421\ufffd"),
        ("one\r\ntwo\rthree", "one\ntwo\u240dthree"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\ud800", "\ufffd"),
        ("\u202e\u2066\u200f", "\u202e\u2066\u200f"),  # isolated by the block, not removed
        (7, "7"),
    ],
)
def test_control_characters_become_visible(hostile, shown):
    assert visible(hostile) == shown


def test_visible_text_is_escaped_even_if_it_was_marked_safe():
    shown = visible(Markup("<b>"))
    assert not isinstance(shown, Markup)
    text = environment_of("en").from_string("{{ value|visible }}")
    assert text.render(value=Markup("<b>")) == "&lt;b&gt;"


@given(st.text(st.characters(codec=None)))
def test_visible_text_can_be_sent_and_is_stable(text):
    once = visible(text)
    once.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", once)
    assert visible(once) == once


NARROW = "\u00a0"


@pytest.mark.parametrize(
    ("tag", "source", "shown"),
    [
        ("en", "{{ 12345|number }}", "12,345"),
        ("de", "{{ 12345|number }}", "12.345"),
        ("en", "{{ 0.256|percent }}", "26%"),
        ("de", "{{ 0.256|percent }}", f"26{NARROW}%"),
        ("en", "{{ 0.5|decimal }}", "0.50"),
        ("es", "{{ 0.5|decimal }}", "0,50"),
        ("en", "{{ 1|minutes }}", "1 minute"),
        ("en", "{{ 0|minutes }}", "1 minute"),
        ("de", "{{ 25|minutes }}", "25 Minuten"),
        ("en", "{{ 89|minutes }}", "89 minutes"),
        ("en", "{{ 90|minutes }}", "1 hour, 30 minutes"),
        ("es", "{{ 118|minutes }}", "2 horas"),  # 7.87 quarters of an hour, rounded to 8
        ("en", "{{ 47.5|seconds }}", "48 sec"),
        ("en", "{{ 150|seconds }}", "2 min"),
    ],
)
def test_formats(tag, source, shown):
    assert environment_of(tag).from_string(source).render() == shown


def test_a_time_is_shown_in_utc_and_says_so():
    when = datetime(2026, 11, 20, 23, 5, 59, tzinfo=timezone(timedelta(hours=2))).timestamp()
    text = environment_of("de").from_string("{{ when|datetime }}")
    assert text.render(when=when) == "20.11.2026, 21:05 UTC"


@pytest.mark.parametrize(("tag", "shown"), [("en", "Nov 20, 2026"), ("es", "20 nov 2026")])
def test_a_day(tag, shown):
    text = environment_of(tag).from_string("{{ when|date }}")
    assert text.render(when=date(2026, 11, 20)) == shown


def test_an_unknown_language_is_english():
    assert environment_of("xx").from_string("{{ _('Saved') }}").render() == "Saved"
    assert environment_of("de").from_string("{{ _('Saved') }}").render() == "Gespeichert"


def test_a_missing_or_fuzzy_message_falls_back_to_english(tmp_path, monkeypatch):
    (tmp_path / "de.po").write_text(
        'msgid "Saved"\nmsgstr ""\n\n#, fuzzy\nmsgid "Stop"\nmsgstr "Halt?"\n\n'
        'msgid "Skip"\nmsgstr "Weg damit"\n'
    )
    monkeypatch.setattr(i18n, "MESSAGES", tmp_path)
    texts = i18n._messages("de")
    found = [texts.gettext(one) for one in ("Saved", "Stop", "Skip", "Unknown")]
    assert found == ["Saved", "Stop", "Weg damit", "Unknown"]


def test_a_damaged_message_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "de.po").write_text('msgid "Saved"\nGespeichert\n')
    monkeypatch.setattr(i18n, "MESSAGES", tmp_path)
    with pytest.raises(StoreError, match=r"de\.po"):
        i18n._messages("de")
    with pytest.raises(StoreError, match=r"es\.po"):
        i18n._messages("es")


def test_escaping_is_on_for_every_name():
    for name in ("page.html", "page.txt", "page"):
        made = environment_of("en").overlay()
        assert made.autoescape is True, name
    assert environment_of("en").from_string("{{ x }}").render(x="<") == "&lt;"
