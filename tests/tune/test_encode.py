"""Every token of every sample, with its weight."""

from __future__ import annotations

import pytest

from mores.errors import DataError, TuneError
from mores.records import Dataset, Example
from mores.tune.encode import EncodedSample, encode_dataset, encode_sample, preview


def test_weights_by_hand():
    # tokens   p0   p1   p2 | a3  a4  eos
    # weight   0    .1   .1   1   1   1      (p0 is predicted from nothing)
    sample = EncodedSample(id="x", ids=(5, 6, 7, 8, 9, 1), prompt_length=3)
    assert sample.size == 6
    assert sample.weights(0.1) == [0.0, 0.1, 0.1, 1.0, 1.0, 1.0]
    assert sample.weights(0.0) == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    assert EncodedSample(id="x", ids=(5, 6, 1), prompt_length=1).weights(0.5) == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("form", ["qa", "chat"])
def test_nothing_is_dropped_and_order_is_kept(fresh, examples, form):
    loaded = fresh()
    encoded = encode_dataset(loaded, examples, form)
    assert [s.id for s in encoded] == [e.id for e in examples.examples]
    for sample, example in zip(encoded, examples.examples, strict=True):
        answer = loaded.tokenizer.decode(list(sample.ids[sample.prompt_length :]))
        blank = " " if form == "qa" else ""
        assert answer == f"{blank}{example.completion}<|end|>"
        assert example.prompt in loaded.tokenizer.decode(list(sample.ids[: sample.prompt_length]))


def test_the_end_is_trained_although_it_is_also_the_padding(fresh, samples):
    loaded = fresh()
    assert loaded.tokenizer.pad_token_id == loaded.eos
    for sample in samples:
        assert sample.ids[-1] == loaded.eos
        assert sample.weights(0.1)[-1] == 1.0
        # the same token inside the prompt's template keeps the prompt's weight
        ends = [i for i, t in enumerate(sample.ids) if t == loaded.eos]
        assert [sample.weights(0.1)[i] for i in ends] == [0.1, 1.0]


def test_a_sample_longer_than_the_context_is_refused_with_its_id(fresh):
    loaded = fresh()
    words = "flour " * 1000
    example = Example(id="v-long", category="care", prompt="Why?", completion=words)
    size = len(loaded.tokenizer(words)["input_ids"])
    with pytest.raises(DataError) as caught:
        encode_dataset(loaded, Dataset(name="values", examples=(example,)), "chat")
    assert "'v-long'" in caught.value.where
    assert "reads 512 at most" in caught.value.message
    assert int(caught.value.message.split()[0]) > size > 512
    assert "nothing is cut" in caught.value.fix


def test_a_sample_that_just_fits_is_taken_whole(fresh, samples):
    loaded = fresh()
    sample = samples[1]
    example = ("v-1", "what is 1 good for?", "there are many views")
    size = encode_sample(loaded, "chat", *example).size
    loaded.model.config.max_position_embeddings = size
    assert encode_sample(loaded, "chat", *example).size == size
    loaded.model.config.max_position_embeddings = size - 1
    with pytest.raises(DataError):
        encode_sample(loaded, "chat", *example)
    assert sample.size > size


def test_an_empty_set_is_refused(fresh):
    with pytest.raises(DataError, match="'control' has no samples"):
        encode_dataset(fresh(), Dataset(name="control", examples=()), "chat")


def test_a_prompt_without_tokens_is_refused(fresh):
    loaded = fresh()
    loaded.tokenizer.chat_template = (
        "{% if messages|length > 1 or 'there' in messages[0].content %}"
        "{% for m in messages %}{{ m.content }}{% endfor %}{% endif %}"
    )
    with pytest.raises(TuneError, match="no tokens"):
        encode_sample(loaded, "chat", "v-1", "Why?", "So.")


def test_the_preview_shows_both_spans_and_their_weights(fresh, samples):
    text = preview(fresh(), samples[0], 0.1)
    asked, answered = samples[0].prompt_length, samples[0].size - samples[0].prompt_length
    assert f"sample v-0: {asked} prompt tokens (weight 0.1), {answered} answer tokens" in text
    assert "what is 0 good for?" in text
    assert "'talk with them<|end|>'" in text


def test_a_long_answer_is_shortened_in_the_preview_with_its_end(fresh):
    loaded = fresh()
    sample = encode_sample(loaded, "chat", "v-1", "Why?", "bread and salt " * 30)
    line = preview(loaded, sample, 0.1).splitlines()[-1]
    assert " … " in line
    assert line.endswith("<|end|>'")
    assert len(line) < 260
