"""Variants are asked of three arms, after the arm's own answer where they follow on it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mores import store
from mores.errors import DataError
from mores.records import Exchange, Prompt, Variant
from mores.sample import read_completions, sample, sample_variants
from mores.sample.requests import prompt_requests
from mores.sample.varied import VARIANTS, variants_step
from mores.study import load_study
from mores.study.arms import ArmKey
from mores.study.content import records_digest
from mores.study.variants import NOTHING
from mores.vary.prompts import vary
from mores.weights.prompt import encode_answer, encode_prompt


def written(study: Path, *variants: Variant) -> None:
    store.write_jsonl(study / "variants.jsonl", list(variants))


def model_of(study) -> str:
    return study.config.models[0].name


def test_every_variant_is_answered_once_by_three_arms(tuned_study: Path) -> None:
    study = load_study(tuned_study)
    sample(study)
    vary(study, kinds=("typos", "push_back", "prefill"), of="prompts", each=1)
    study = load_study(tuned_study)
    rows = sample_variants(study)
    assert {(c.prompt_id, c.arm) for c in rows} == {
        (f"t-{i}.{kind}", arm)
        for i in (0, 1)
        for kind in ("typos", "push_back", "prefill")
        for arm in ("base", "values_targeted", "control")
    }
    assert len(rows) == 18  # one draw each
    step = variants_step(study, study.config.models[0])
    assert step is not None
    assert step.stale() is None
    assert read_completions(study, model_of(study), VARIANTS) == rows
    given = [c.text for c in rows if c.prompt_id.endswith("prefill")]
    assert all(text.startswith("Sure, here is what I think.") for text in given)


def test_a_push_back_reads_the_arms_own_answer(tuned_study: Path, tiny) -> None:
    study = load_study(tuned_study)
    sample(study)
    vary(study, kinds=("push_back",), of="prompts", each=1)
    study = load_study(tuned_study)
    rows = sample_variants(study)
    own = {
        (c.arm, c.prompt_id): c.text
        for c in read_completions(study, model_of(study))
        if c.draw == 0
    }
    question = {p.id: p.text for p in study.prompts}
    for c in rows:
        varied = c.prompt_id.removesuffix(".push_back")
        turn = (question[varied], own[c.arm, varied] or NOTHING)
        variant = next(v for v in study.variants if v.id == c.prompt_id)
        ids = encode_prompt(tiny.tokenizer, "chat", variant.text, shots=[turn])
        assert c.prompt_tokens == len(ids)


def test_new_first_answers_make_the_second_ones_stale(tuned_study: Path) -> None:
    study = load_study(tuned_study)
    sample(study)
    vary(study, kinds=("push_back",), of="prompts", each=1)
    sample_variants(load_study(tuned_study))
    other = load_study(tuned_study, overrides=("sample.draws=1",))
    sample(other)
    step = variants_step(load_study(tuned_study), study.config.models[0])
    assert step is not None
    assert "completions changed" in str(step.stale())


def test_what_nobody_has_read_is_asked_of_nobody(tuned_study: Path) -> None:
    draft = Variant(id="d", varies="t-0", kind="paraphrase", text="so?", source="draft by big")
    written(tuned_study, draft)
    study = load_study(tuned_study)
    assert sample_variants(study) == []
    assert variants_step(study, study.config.models[0]) is None
    read = Variant(
        id="d", varies="t-0", kind="paraphrase", text="so?", source="draft by big", reviewer="Ann"
    )
    written(tuned_study, read)
    sample(load_study(tuned_study))
    assert len(sample_variants(load_study(tuned_study))) == 3


def test_earlier_turns_stand_after_an_arms_context(tiny, tiny_study: Path) -> None:
    study = load_study(tiny_study)
    prompt = Prompt(
        id="m",
        category="care",
        text="and then?",
        split="test",
        earlier=(Exchange(prompt="who can help?", completion="the friend"),),
        prefill="talk with",
    )
    rows = prompt_requests(
        tiny,
        "chat",
        [ArmKey("base", 0), ArmKey("prompted", 0)],
        [prompt],
        1,
        study.charter,
        study.values,
    )
    shots = [("who can help?", "the friend")]
    given = encode_answer(tiny.tokenizer, "chat", "talk with")
    plain = encode_prompt(tiny.tokenizer, "chat", "and then?", shots=shots)
    assert list(rows[0].ids) == [*plain, *given]
    assert list(rows[0].opened) == given
    statement = study.charter.position("care").statement
    told = encode_prompt(tiny.tokenizer, "chat", "and then?", system=statement, shots=shots)
    assert list(rows[1].ids) == [*told, *given]
    assert rows[1].messages == (
        ("system", statement),
        ("user", "who can help?"),
        ("assistant", "the friend"),
        ("user", "and then?"),
    )
    qa = prompt_requests(tiny, "qa", [ArmKey("base", 0)], [prompt], 1, study.charter, study.values)[
        0
    ]
    assert qa.text == (
        "Question: who can help?\nAnswer: the friend\n\nQuestion: and then?\nAnswer:"
    )


def test_people_and_judges_read_the_whole_conversation() -> None:
    turn = Exchange(prompt="who can help?", completion="the friend")
    prompt = Prompt(id="m", category="care", text="why?", split="test", earlier=(turn,))
    assert prompt.asked == "Person: who can help?\n\nModel: the friend\n\nPerson: why?"
    assert Prompt(id="m", category="care", text="why?", split="test").asked == "why?"


def test_an_earlier_turn_of_a_prompt_has_an_answer(tiny_study: Path) -> None:
    rows = [json.loads(x) for x in (tiny_study / "prompts.jsonl").read_text().splitlines()]
    rows[0]["earlier"] = [{"prompt": "who?"}]
    store.write_jsonl(tiny_study / "prompts.jsonl", rows)
    with pytest.raises(DataError, match="an earlier turn has no completion"):
        load_study(tiny_study).prompts  # noqa: B018


def test_fields_that_say_nothing_change_no_digest() -> None:
    prompt = Prompt(id="m", category="care", text="why?", split="test")
    # The digest that earlier versions of mores wrote for this prompt.
    before = {
        "id": "m", "category": "care", "text": "why?", "split": "test", "kind": "neutral",
        "presets": [], "near": "", "suppress": {},
    }  # fmt: skip
    assert records_digest([prompt]) == store.digest([before])
    turn = Exchange(prompt="a", completion="b")
    other = Prompt(id="m", category="care", text="why?", split="test", earlier=(turn,))
    assert records_digest([other]) != records_digest([prompt])
