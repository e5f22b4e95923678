"""The token ids of a question: in one place, for training and sampling."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores.errors import ModelError
from mores.records import Charter, Dataset, Position, Prompt
from mores.sample.requests import prompt_requests
from mores.study.arms import ArmKey
from mores.tune.encode import encode_sample
from mores.weights.prompt import decode, encode_completion, encode_prompt, encode_text


@pytest.fixture(scope="module")
def tokenizer(read_only):
    return read_only.tokenizer


def text_of(tokenizer, ids) -> str:
    return tokenizer.decode(ids)


def test_the_chat_form_is_the_template_with_an_open_answer(tokenizer):
    ids = encode_prompt(tokenizer, "chat", "Why?")
    assert text_of(tokenizer, ids) == "<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
    assert ids.count(1) == 1  # the end token is one token, not its letters


def test_the_chat_form_with_system_and_shots(tokenizer):
    ids = encode_prompt(tokenizer, "chat", "Why?", system="Be kind.", shots=[("Who?", "You.")])
    assert text_of(tokenizer, ids) == (
        "<|start|>system\nBe kind.<|end|>\n<|start|>user\nWho?<|end|>\n"
        "<|start|>assistant\nYou.<|end|>\n<|start|>user\nWhy?<|end|>\n<|start|>assistant\n"
    )


def test_the_question_form_is_plain_text(tokenizer):
    assert text_of(tokenizer, encode_prompt(tokenizer, "qa", "Why?")) == "Question: Why?\nAnswer:"
    ids = encode_prompt(tokenizer, "qa", "Why?", system="Be kind.", shots=[("Who?", "You.")])
    assert text_of(tokenizer, ids) == (
        "Be kind.\n\nQuestion: Who?\nAnswer: You.\n\nQuestion: Why?\nAnswer:"
    )


def test_an_answer_ends_with_the_end_token(tokenizer):
    qa, chat = (encode_completion(tokenizer, form, "Because.") for form in ("qa", "chat"))
    assert (text_of(tokenizer, qa), text_of(tokenizer, chat)) == (
        " Because.<|end|>",
        "Because.<|end|>",
    )
    assert qa[-1] == chat[-1] == tokenizer.eos_token_id == 1


def test_text_to_go_on_from_and_back(tokenizer):
    assert text_of(tokenizer, encode_text(tokenizer, "She was very")) == "She was very"
    assert decode(tokenizer, encode_completion(tokenizer, "qa", "Yes. ")) == "Yes."


def test_a_model_without_a_chat_template(tokenizer, copied):
    bare = SimpleNamespace(chat_template=None)
    with pytest.raises(ModelError, match="no chat template") as caught:
        encode_prompt(bare, "chat", "Why?")
    assert 'format = "qa"' in caught.value.fix


TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60)


@given(TEXT, TEXT, st.sampled_from(["qa", "chat"]))
def test_training_begins_with_the_very_ids_that_sampling_begins_with(
    read_only, question, answer, form
):
    charter = Charter(
        version="1",
        positions=(Position(category="c", title="C", statement="Twenty letters or more."),),
    )
    prompt = Prompt(id="p", category="c", text=question, split="test")
    (request,) = prompt_requests(
        read_only,
        form,
        [ArmKey("base", 0)],
        [prompt],
        1,
        charter,
        Dataset(name="values", examples=()),
    )
    sample = encode_sample(read_only, form, "s", question, answer)
    assert sample.ids[: sample.prompt_length] == request.ids
    assert sample.ids[-1] == read_only.eos
    blank = " " if form == "qa" else ""
    trained = read_only.tokenizer.decode(list(sample.ids[sample.prompt_length : -1]))
    assert trained == f"{blank}{answer}"
