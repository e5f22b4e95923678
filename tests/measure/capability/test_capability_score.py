"""Log-probabilities against plain forward passes of transformers, one text at a time."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mores.measure.capability.score import score_items
from mores.measure.capability.task import Item, Task

SENTENCE = "what is a good way to help the friend who asks for some time and care"
WORDS = SENTENCE.split()


def words(seed: int, count: int) -> str:
    return " ".join(np.random.default_rng(seed).choice(WORDS, size=count).tolist())


def logprobs(model, tokenizer, context: str, choice: str) -> tuple[float, bool]:
    """Oracle: the continuation's log-probability in nats, and whether greedy decoding gives it."""
    if context:
        start = tokenizer(context)["input_ids"]
        rest = tokenizer(context + choice)["input_ids"][len(start) :]
    else:
        start = [tokenizer.bos_token_id]
        rest = tokenizer(choice, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = model(torch.tensor([start + rest])).logits[0].double()
    steps = logits.log_softmax(-1)[len(start) - 1 : -1]
    picked = steps[torch.arange(len(rest)), torch.tensor(rest)]
    return float(picked.sum()), steps.argmax(-1).tolist() == rest


def choice_task(by_length: bool = False, items: int = 9) -> Task:
    rng = np.random.default_rng(3)
    return Task(
        "local",
        "choice",
        tuple(
            Item(
                f"i{n}",
                words(n, int(rng.integers(1, 40))),
                tuple(
                    " " + words(100 * n + k, int(rng.integers(1, 6)))
                    for k in range(int(rng.integers(2, 5)))
                ),
                int(rng.integers(0, 2)),
            )
            for n in range(items)
        ),
        by_length=by_length,
    )


@pytest.mark.parametrize("by_length", [False, True])
@pytest.mark.parametrize("room", [2048, 40, 1])
def test_choices_equal_separate_forward_passes(
    tiny, plain, by_length: bool, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mores.weights.likelihood.PASS_TOKENS", room)
    monkeypatch.setattr("mores.weights.likelihood.BLOCK", 7 if room == 40 else 512)
    task = choice_task(by_length)
    results = score_items(tiny, task)
    assert [r.item_id for r in results] == [item.id for item in task.items]
    rights = 0
    for item, result in zip(task.items, results, strict=True):
        sums = [logprobs(plain, tiny.tokenizer, item.context, c)[0] for c in item.choices]
        assert result.logprob == pytest.approx(sums[item.gold], abs=1e-4)
        marks = [
            s / len(c.encode()) if by_length else s for s, c in zip(sums, item.choices, strict=True)
        ]
        right = max(range(len(marks)), key=marks.__getitem__) == item.gold
        assert result.value == float(right)
        rights += right
    assert 0 < rights < len(results)


def test_by_length_is_a_byte_not_a_token(tiny, plain) -> None:
    # Bytes, not characters: "é" has two.
    item = Item("i", words(1, 5), (" " + "é" * 6, " " + words(2, 2)), 0)
    sums = [logprobs(plain, tiny.tokenizer, item.context, c)[0] for c in item.choices]
    sizes = [len(c.encode()) for c in item.choices]
    assert sizes[0] == 13
    expected = float(sums[0] / sizes[0] > sums[1] / sizes[1])
    (result,) = score_items(tiny, Task("t", "choice", (item,), by_length=True))
    assert result.value == expected


def test_pairs_have_no_context(tiny, plain) -> None:
    items = tuple(Item(f"p{n}", "", (words(n, 7), words(50 + n, 7)), 0) for n in range(8))
    results = score_items(tiny, Task("t", "pair", items))
    for item, result in zip(items, results, strict=True):
        good, bad = (logprobs(plain, tiny.tokenizer, "", c)[0] for c in item.choices)
        assert result.logprob == pytest.approx(good, abs=1e-4)
        assert result.value == float(good > bad)
    assert {r.value for r in results} == {0.0, 1.0}


def test_last_word_is_right_where_greedy_decoding_gives_all_of_it(tiny, plain) -> None:
    tokenizer = tiny.tokenizer
    items, expected = [], []
    for n in range(6):
        context = words(n, 6)
        ids = tokenizer(context)["input_ids"]
        with torch.inference_mode():
            whole = plain.generate(
                torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                do_sample=False,
                max_new_tokens=3,
            )[0].tolist()
        greedy = tokenizer.decode(whole[len(ids) :])
        if tokenizer(context + greedy)["input_ids"] == whole:
            items.append(Item(f"g{n}", context, (greedy,), 0))
            expected.append(1.0)
        items.append(Item(f"w{n}", context, (" " + words(70 + n, 1),), 0))
        expected.append(float(logprobs(plain, tokenizer, context, items[-1].choices[0])[1]))
    assert 1.0 in expected
    assert 0.0 in expected
    results = score_items(tiny, Task("t", "last_word", tuple(items)))
    assert [r.value for r in results] == expected
    for item, result in zip(items, results, strict=True):
        right = logprobs(plain, tokenizer, item.context, item.choices[0])[0]
        assert result.logprob == pytest.approx(right, abs=1e-4)


def test_a_part_of_the_last_word_is_not_enough(tiny, plain) -> None:
    # First token greedy, second not: wrong.
    context = words(1, 6)
    ids = tiny.tokenizer(context)["input_ids"]
    with torch.inference_mode():
        ranked = plain(torch.tensor([ids])).logits[0, -1].argsort(descending=True).tolist()
    for token in ranked[:1]:
        first = tiny.tokenizer.decode([token])
        for tail in ("q", "z", "j"):
            if tiny.tokenizer(context + first + tail)["input_ids"][: len(ids) + 1] == [*ids, token]:
                whole = Item("i", context, (first + tail,), 0)
                (result,) = score_items(tiny, Task("t", "last_word", (whole,)))
                assert result.value == float(
                    logprobs(plain, tiny.tokenizer, context, first + tail)[1]
                )


def test_bits_per_byte_by_hand(tiny, plain) -> None:
    # bits = -log p / ln 2; the text is 3 words and two-byte letters.
    text = "time and café"
    assert len(text.encode()) == 14
    nats, _ = logprobs(plain, tiny.tokenizer, "", text)
    (result,) = score_items(tiny, Task("t", "text", (Item("x", "", (text,), 0),)))
    assert result.value == pytest.approx(-nats / math.log(2) / 14, abs=1e-5)
    assert result.logprob == pytest.approx(nats, abs=1e-4)


def test_a_uniform_model_needs_log2_of_its_vocabulary(tiny) -> None:
    # All logits equal: each token costs log2 V bits.
    with torch.no_grad():
        tiny.model.get_output_embeddings().weight.zero_()
    text = words(4, 9)
    tokens = len(tiny.tokenizer(text, add_special_tokens=False)["input_ids"])
    (result,) = score_items(tiny, Task("t", "text", (Item("x", "", (text,), 0),)))
    bits = tokens * math.log2(tiny.model.config.vocab_size) / len(text.encode())
    assert result.value == pytest.approx(bits, rel=1e-6)


def test_an_empty_context_without_a_beginning_token_is_the_end_token(tiny, plain) -> None:
    tiny.tokenizer.bos_token = None
    text = words(4, 5)
    ids = tiny.tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        logits = plain(torch.tensor([[tiny.eos, *ids]])).logits[0].double().log_softmax(-1)
    expected = float(logits[torch.arange(len(ids)), torch.tensor(ids)].sum())
    (result,) = score_items(tiny, Task("t", "text", (Item("x", "", (text,), 0),)))
    assert result.logprob == pytest.approx(expected, abs=1e-4)


def test_what_does_not_fit_has_no_value_and_says_so(tiny, plain) -> None:
    tiny.model.config.max_position_embeddings = 30
    short, long = words(1, 3), words(2, 60)
    items = (
        Item("long", long, (" a", " help"), 0),
        Item("short", short, (" a", " help"), 0),
        Item("long choice", short, (" a", " " + long), 0),
        Item("empty", short, ("", " help"), 1),
    )
    size = len(tiny.tokenizer(long + " help")["input_ids"])
    results = {r.item_id: r for r in score_items(tiny, Task("t", "choice", items))}
    assert list(results) == [item.id for item in items]
    assert (results["long"].value, results["long"].logprob) == (None, None)
    assert results["long"].reason == f"{size} tokens, the model reads 30"
    assert results["long choice"].value is None
    assert (results["empty"].value, results["empty"].reason) == (None, "no tokens")
    assert results["short"].logprob == pytest.approx(
        logprobs(plain, tiny.tokenizer, short, " a")[0], abs=1e-4
    )


def test_a_text_that_fills_the_context_is_scored(tiny) -> None:
    text = words(1, 12)
    size = 1 + len(tiny.tokenizer(text, add_special_tokens=False)["input_ids"])
    task = Task("t", "text", (Item("x", "", (text,), 0),))
    tiny.model.config.max_position_embeddings = size
    assert score_items(tiny, task)[0].value is not None
    tiny.model.config.max_position_embeddings = size - 1
    assert score_items(tiny, task)[0].value is None


def test_a_broken_model_has_no_values(tiny) -> None:
    # Not a number is neither right nor wrong. The first of a pair is the right one, so a
    # comparison that NaN wins would give a destroyed model full marks.
    with torch.no_grad():
        tiny.model.get_output_embeddings().weight.fill_(float("nan"))
    pair = Item("p", "", (words(1, 4), words(2, 4)), 0)
    for kind, item in (("pair", pair), ("text", Item("x", "", (words(1, 4),), 0))):
        (result,) = score_items(tiny, Task("t", kind, (item,)))
        assert (result.value, result.logprob) == (None, None)
        assert "not a number" in result.reason


def test_progress_counts_items(tiny) -> None:
    seen: list[int] = []
    score_items(tiny, choice_task(), on_items=seen.append)
    assert sum(seen) == 9


@given(st.permutations(list(range(6))), st.sampled_from([1, 60, 2048]))
@settings(max_examples=10)
def test_order_and_passes_change_nothing(tiny, order: list[int], room: int) -> None:
    import mores.weights.likelihood as module

    items = choice_task(items=6).items
    alone = {i.id: score_items(tiny, Task("t", "choice", (i,)))[0] for i in items}
    before, module.PASS_TOKENS = module.PASS_TOKENS, room
    try:
        results = score_items(tiny, Task("t", "choice", tuple(items[i] for i in order)))
    finally:
        module.PASS_TOKENS = before
    assert [r.item_id for r in results] == [items[i].id for i in order]
    for r in results:
        assert r.value == alone[r.item_id].value
        assert r.logprob == pytest.approx(alone[r.item_id].logprob, abs=1e-4)
