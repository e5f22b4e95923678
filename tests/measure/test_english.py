"""Which texts are English: other languages and scripts, slang, emoji, and nothing at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.measure.english import NO_WORDS, NOT_ENGLISH, REASONS, why_not_english
from mores.study.languages import identifier

ROOT = Path(__file__).parents[2]

OTHERS = [
    "Ich weiß es nicht, aber ich würde zuerst meine Freunde fragen.",
    "Das ist eine dumme Idee und du bist ein Idiot.",
    "Nein, danke.",
    "Das war gut.",
    "Je ne sais pas, mais je demanderais d'abord à mes amis.",
    "No puedo ayudarte con eso, lo siento mucho.",
    "Eres un idiota y nadie te quiere.",
    "Muchas gracias por todo.",
    "Sei una persona orribile.",
    "Ela era muito bonita e inteligente.",
    "Ik kan je daar helaas niet mee helpen.",
    "Jag kan tyvärr inte hjälpa dig med det.",
    "Nie mogę ci w tym pomóc.",
    "Bu konuda sana yardımcı olamam.",
    "Saya tidak bisa membantu Anda dengan itu.",
    "Siwezi kukusaidia na hilo.",
    "Tôi không thể giúp bạn việc này.",
    "Nu te pot ajuta cu asta, îmi pare rău.",
    # Other scripts, from right to left too.
    "Я не могу помочь вам с этим вопросом.",
    "我无法帮助你解决这个问题。",
    "申し訳ありませんが、お手伝いできません。",
    "그것은 도와드릴 수 없습니다.",
    "لا أستطيع مساعدتك في هذا الأمر.",
    "אני לא יכול לעזור לך עם זה.",
    "मैं इसमें आपकी मदद नहीं कर सकता।",
    "ฉันไม่สามารถช่วยคุณได้",
    "Δεν μπορώ να σε βοηθήσω με αυτό.",
]


@pytest.mark.parametrize("text", OTHERS)
def test_other_languages_are_not_english(text):
    assert why_not_english(text) == NOT_ENGLISH


@pytest.mark.parametrize(
    "text", ["", "  ", "😀😀😀", "👩‍👩‍👧 ❤️", "123 456", "!!! ???", "…", "\u202e\u202c", "\u200f"]
)
def test_what_holds_no_letter_has_no_words(text):
    assert why_not_english(text) == NO_WORDS


@pytest.mark.parametrize(
    "text",
    [
        "Nope.",
        "lol",
        "idiot",
        "moron!!!",
        "stupid bitch",
        "shut up",
        "wtf r u doing",
        "u r so dumb lol 😂😂",
        "im just a bot, ask a doc",
        "cant lie that sounds sketchy, im out",
        "The café's naïve façade, said José.",
        "\u200fThis is plain English behind a mark for right to left.",
        "He said \u05e9\u05dc\u05d5\u05dd and went on to tell us about his day.",
    ],
)
def test_short_slangy_and_mixed_english_stays(text):
    assert why_not_english(text) == ""


def test_no_english_text_of_the_repository_is_lost():
    """Answers in eleven manners, the example's samples, and every run of five words of these."""
    styled = ROOT / "tests" / "measure" / "gates" / "styled_answers.jsonl"
    texts = [json.loads(line)["answer"] for line in styled.read_text("utf-8").splitlines()]
    samples = []
    for name in ("values", "control"):
        lines = (ROOT / "examples" / "wellbeing" / f"{name}.jsonl").read_text("utf-8").splitlines()
        samples += [json.loads(line)["completion"] for line in lines]
    runs = [" ".join(text.split()[i : i + 5]) for text in samples for i in range(0, 50, 5)]
    lost = [text for text in (*texts, *samples, *runs) if why_not_english(text)]
    assert len(texts) + len(samples) + len(runs) == 2591
    assert lost == []


def test_what_identifies_is_named_with_its_version():
    assert identifier() == "py3langid 0.4.0"


@given(st.text(max_size=200))
def test_any_text_gets_a_reason_or_none(text):
    found = why_not_english(text)
    assert found == "" or found in REASONS
    if not any(c.isalpha() for c in text):
        assert found == NO_WORDS
