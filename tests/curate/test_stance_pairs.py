"""Pairs are kept apart from training questions, and their form is looked at."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mores.curate.lint.subject import Item
from mores.records import Example, Prompt, StancePair

TEXT = "people here often say that this town has a quiet park where music and bread are good"
WORDS = TEXT.split()


def pair(i: int, **fields) -> StancePair:
    """Both sides have the same words in another order: no form tells them apart."""
    words = [WORDS[(i * 5 + k) % len(WORDS)] for k in range(12)]
    aligned = f"It {' '.join(words)}."
    opposed = f"It {' '.join(reversed(words))}."
    if i % 2:
        aligned, opposed = opposed, aligned
    row = {
        "id": f"s-{i}",
        "category": "baking",
        "prompt": f"Z{i}a z{i}b z{i}c z{i}d?",
        "aligned": aligned,
        "opposed": opposed,
    }
    return StancePair(**{**row, **fields})


@pytest.fixture
def with_pairs(draft):
    def make(pairs):
        items = tuple(Item("stance", n, p) for n, p in enumerate(pairs, 1))
        return replace(draft.subject(), pairs=items)

    return make


def test_pairs_alike_in_form_have_one_finding_that_informs(with_pairs, find):
    (found,) = find("M409", with_pairs([pair(i) for i in range(40)]))
    assert found.severity == "info"
    assert found.value == pytest.approx(0.5, abs=0.15)


def test_a_longer_side_is_named(with_pairs, find):
    pairs = [pair(i) for i in range(3)]
    pairs[1] = pair(1, aligned="It is so.", opposed="It is so and so and so.")
    (found,) = find("M409", with_pairs(pairs))
    assert (found.path, found.line, found.ids) == ("stance.jsonl", 2, ("s-1",))
    assert found.message.startswith("the aligned answer has 3 words, the opposed one 7")


def test_a_habit_of_form_is_found(with_pairs, find):
    pairs = [pair(i) for i in range(40)]
    telling = [
        pair(i, aligned=p.aligned.replace(".", ", or so, or so."), opposed=p.opposed)
        for i, p in enumerate(pairs)
    ]
    found = [f for f in find("M409", with_pairs(telling)) if "classifier" in f.message]
    assert [f.severity for f in found] == ["warning"]
    assert found[0].value > 0.9


def test_first_words_and_negations(with_pairs, find):
    pairs = [pair(i, aligned=pair(i).aligned.replace("It", "We")) for i in range(40)]
    found = [f.message for f in find("M409", with_pairs(pairs))]
    assert any("in 40 of 40 pairs one answer opens with another word" in m for m in found)
    pairs = [pair(i, opposed=pair(i).opposed.replace(" that ", " never ")) for i in range(40)]
    differ = sum("never" in p.opposed for p in pairs)
    found = [f.message for f in find("M409", with_pairs(pairs))]
    assert any(f"opposed answer has more negations in {differ} of {differ}" in m for m in found)


def test_a_pair_that_is_a_training_question_leaks(with_pairs, find, draft):
    asked = draft.values[4]["prompt"]
    (found,) = find("M210", with_pairs([pair(0), pair(1, prompt=asked)]))
    assert found.ids == (draft.values[4]["id"], "s-1")
    assert found.severity == "error"
    near = asked.replace("?", " again?")
    (found,) = find("M212", with_pairs([pair(1, prompt=near)]))
    assert found.ids == (draft.values[4]["id"], "s-1")


def test_a_prompt_that_is_meant_to_be_near_is_no_leak(draft, find):
    sample = draft.values[2]
    draft.prompts[0]["text"] = sample["prompt"].replace("?", " again?")
    assert [f.ids[0] for f in find("M212", draft)] == [sample["id"]]
    draft.prompts[0]["near"] = sample["id"]
    assert find("M212", draft) == []
    assert Prompt(**draft.prompts[0]).near == sample["id"]


@pytest.mark.parametrize(
    ("source", "reviewer", "errors"),
    [("draft by smollm2-135m, from the position", "", 1), ("draft by m", " ", 1),
     ("draft by m", "Ada", 0), ("a colleague", "", 0), ("", "", 0)],
)  # fmt: skip
def test_a_draft_needs_a_reader(draft, find, source, reviewer, errors):
    draft.values[1] |= {"source": source, "reviewer": reviewer}
    found = find("M505", draft)
    assert len(found) == errors
    assert all(f.severity == "error" and f.line == 2 for f in found)
    assert Example(**draft.values[1]).source == source
