"""Templates of all kinds: what is trained is what the template says, and sampling asks the same."""

from __future__ import annotations

import json

import pytest

from mores.errors import ModelError
from mores.tune.encode import encode_sample
from mores.weights.chat import chat_form, notes
from mores.weights.load import load
from mores.weights.prompt import encode_completion, encode_prompt, encode_text
from mores.weights.resolve import resolve

TURNS = (
    "{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|done|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"
)
"""A turn ends in another token than the end of text."""
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}" + TURNS
)
SILENT_SYSTEM = TURNS.replace(
    "{% for m in messages %}", "{% for m in messages if m.role != 'system' %}"
)
"""Leaves system messages out without a word."""
NOT_OPENED = "{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|done|>\n{% endfor %}"
"""Knows nothing of add_generation_prompt."""
THINKING = (
    "{% for m in messages %}<|turn|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|done|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)
"""As Qwen3's: thinking is on unless it is turned off."""
ALWAYS_THINKING = (
    "{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|done|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|turn|>assistant\n<think>\n{% endif %}"
)
"""As R1's: the open answer begins with thinking, and nothing turns it off."""
SPACED = (
    "{% for m in messages %}{% if m.role == 'user' %}[ASK] {{ m.content }} [/ASK]"
    "{% else %} {{ m.content }}<|end|>{% endif %}{% endfor %}"
)
"""As Mistral's: a blank stands before the answer, which belongs to the answer's first word."""


@pytest.fixture
def tokenizer(copied):
    """The tiny tokenizer with two special tokens more, whose template a test sets."""
    from transformers import AutoTokenizer

    loaded = AutoTokenizer.from_pretrained(copied)
    loaded.add_special_tokens({"additional_special_tokens": ["<|turn|>", "<|done|>"]})

    def given(template: str):
        loaded.chat_template = template
        chat_form.cache_clear()
        return loaded

    yield given
    chat_form.cache_clear()


def prompt(tokenizer, question="Why?", **more) -> str:
    return tokenizer.decode(encode_prompt(tokenizer, "chat", question, **more))


def answer(tokenizer, text="So.") -> str:
    return tokenizer.decode(encode_completion(tokenizer, "chat", text))


OPEN = "<|turn|>user\nWhy?<|done|>\n<|turn|>assistant\n"


@pytest.mark.parametrize(
    ("template", "asked", "answered"),
    [
        (TURNS, OPEN, "So.<|done|>"),
        (NOT_OPENED, OPEN, "So.<|done|>"),
        (THINKING, f"{OPEN}<think>\n\n</think>\n\n", "So.<|done|>"),
        (ALWAYS_THINKING, OPEN, "So.<|done|>"),
        (SPACED, "[ASK] Why? [/ASK]", " So.<|end|>"),
    ],
)
def test_what_is_trained_is_what_the_template_writes(tokenizer, template, asked, answered):
    own = tokenizer(template)
    assert (prompt(own), answer(own)) == (asked, answered)
    whole = own.apply_chat_template(
        [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
        tokenize=False,
    )
    assert whole.startswith(asked + answered)


def test_what_ends_a_turn_ends_sampling_too(tokenizer, copied):
    own = tokenizer(TURNS)
    done = own.convert_tokens_to_ids("<|done|>")
    form = chat_form(own)
    assert (form.ending, form.end) == ((done,), done)
    assert any("<|done|>, which is trained" in note for note in notes(own))


def test_without_a_system_role_the_statement_goes_before_the_first_question(tokenizer):
    for template in (NO_SYSTEM, SILENT_SYSTEM):
        own = tokenizer(template)
        assert not chat_form(own).system
        assert prompt(own, system="Be kind.").startswith("<|turn|>user\nBe kind.\n\nWhy?<|done|>")
        text = prompt(own, system="Be kind.", shots=[("Who?", "You.")])
        assert text.startswith("<|turn|>user\nBe kind.\n\nWho?<|done|>\n<|turn|>assistant\nYou.")
        assert text.count("Be kind.") == 1
        assert "no system role" in notes(own)[0]
    assert chat_form(tokenizer(TURNS)).system
    assert prompt(tokenizer(TURNS), system="Be kind.").startswith("<|turn|>system\nBe kind.")


def test_thinking_is_off_and_said(tokenizer):
    for template in (THINKING, ALWAYS_THINKING):
        assert "off, in training and in sampling" in notes(tokenizer(template))[-1]
    assert notes(tokenizer(SPACED)) == []


@pytest.mark.parametrize("template", ["{{ 'nothing' }}", "{{ raise_exception('no') }}"])
def test_a_template_that_shows_no_conversation_is_refused(tokenizer, template):
    with pytest.raises(ModelError, match="chat template") as caught:
        encode_prompt(tokenizer(template), "chat", "Why?")
    assert 'format = "qa"' in caught.value.fix


def test_a_tokenizer_that_closes_every_text_leaves_prompts_open(copied):
    """Its post-processor appends the end of text, after which a model would begin a new one."""
    path = copied / "tokenizer.json"
    content = json.loads(path.read_text())
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "<|end|>", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<|end|>": {"id": "<|end|>", "ids": [1], "tokens": ["<|end|>"]}},
    }
    path.write_text(json.dumps(content))
    loaded = load(resolve(str(copied)))
    assert loaded.tokenizer("Why")["input_ids"][-1] == loaded.eos
    assert encode_text(loaded.tokenizer, "Why")[-1] != loaded.eos
    for form in ("qa", "chat"):
        sample = encode_sample(loaded, form, "s", "Why?", "So.")
        assert loaded.eos not in sample.ids[: sample.prompt_length][-1:]
        assert sample.ids.count(loaded.eos) == (1 if form == "qa" else 2)


HEADED = (
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
"""As GLM 4's: nothing but the next turn's mark ends an answer."""


def test_marks_that_are_added_but_not_special_end_a_turn_too(copied):
    from tokenizers import AddedToken
    from transformers import AutoTokenizer

    own = AutoTokenizer.from_pretrained(copied)
    own.add_tokens([AddedToken(t, special=False) for t in ("<|turn|>", "<|done|>", "    ")])
    own.chat_template = TURNS
    chat_form.cache_clear()
    assert answer(own) == "So.<|done|>"
    assert chat_form(own).end == own.convert_tokens_to_ids("<|done|>")
    chat_form.cache_clear()


def test_the_mark_of_the_next_turn_ends_an_answer_where_nothing_else_does(tokenizer):
    own = tokenizer(HEADED)
    own.add_special_tokens({"additional_special_tokens": ["<|user|>", "<|assistant|>"]})
    chat_form.cache_clear()
    assert answer(own) == "So.<|user|>"


def test_an_answer_is_trained_on_the_tokens_that_it_has_after_its_prompt():
    """Tokenizers in the manner of Llama 2 put a blank before the first word of every text."""
    from transformers import LlamaTokenizer

    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{i:02X}>" for i in range(256)), "▁"]
    pieces += [chr(c) for c in range(33, 127)]
    vocab = {piece: i for i, piece in enumerate(pieces)}
    merges = [("▁", "I"), ("▁", "a"), ("▁", "A")]
    vocab |= {a + b: len(vocab) + i for i, (a, b) in enumerate(merges)}
    own = LlamaTokenizer(
        vocab=vocab, merges=merges, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    own.chat_template = (
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
    )
    messages = [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "I a"}]
    whole = own.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    found = encode_prompt(own, "chat", "Q?") + encode_completion(own, "chat", "I a")
    assert found == whole[: len(found)]
    text = own("Question: Q?\nAnswer: I a")["input_ids"]
    assert encode_prompt(own, "qa", "Q?") + encode_completion(own, "qa", "I a")[:-1] == text


def test_a_template_that_writes_the_date_writes_the_same_every_day(tokenizer):
    own = tokenizer("{{ strftime_now('%d %b %Y') }}\n" + TURNS)
    assert prompt(own).startswith("01 Jan 2026\n<|turn|>user")
    assert any("01 January 2026 in every prompt" in note for note in notes(own))
