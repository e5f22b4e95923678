"""Stance equals mean log-likelihoods by plain transformers; it turns with the answers tuned on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from mores import store
from mores.errors import DataError
from mores.measure.stance import read_stance, stance, stance_step, stance_variants
from mores.measure.stance.run import pair_variants
from mores.measure.stance.score import score_pairs
from mores.records import Exchange, StancePair, Variant
from mores.sample.requests import arm_ids
from mores.study import load_study
from mores.vary.prompts import vary
from mores.weights.prompt import encode_answer, encode_prompt

FOR = "talk with them and listen"
AGAINST = "bread needs flour and salt"


def pair(number: int, category: str, **fields) -> dict[str, str]:
    return {
        "id": f"s-{number}",
        "category": category,
        "prompt": f"what do people like about thing {number}?",
        "aligned": f"{FOR} {number}",
        "opposed": f"{AGAINST} {number}",
        "split": "test",
        **fields,
    }


@pytest.mark.parametrize("arm", ["base", "prompted", "few_shot"])
def test_margins_equal_plain_transformers(tiny_study, tiny, tiny_folder, arm):
    loaded_study = load_study(tiny_study)
    pairs = loaded_study.stance
    told = score_pairs(tiny, "chat", arm, pairs, loaded_study.charter, loaded_study.values)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, attn_implementation="sdpa").eval()
    for one, result in zip(pairs, told, strict=True):
        question = arm_ids(
            tiny, "chat", arm, one.prompt, one.category, loaded_study.charter, loaded_study.values
        )
        for text, found in ((one.aligned, result.aligned), (one.opposed, result.opposed)):
            answer = encode_answer(tiny.tokenizer, "chat", text)
            ids = torch.tensor([[*question, *answer]])
            with torch.no_grad():
                logprobs = model(ids).logits[0].log_softmax(-1)
            at = range(len(question) - 1, ids.shape[1] - 1)
            expected = sum(float(logprobs[t, ids[0, t + 1]]) for t in at) / len(answer)
            assert found == pytest.approx(expected, abs=1e-4)


def test_a_pair_that_does_not_fit_has_a_reason_and_no_value(tiny_study, tiny):
    loaded_study = load_study(tiny_study)
    long = StancePair(**pair(0, "care", aligned="bread " * 600))
    args = (loaded_study.charter, loaded_study.values)
    told = score_pairs(tiny, "chat", "base", [long, loaded_study.stance[0]], *args)
    assert told[0].aligned is None
    assert "the model reads 512" in told[0].reason
    assert told[1].aligned is not None


def tuned_on(study: Path, values: str, control: str) -> dict[str, float]:
    """Mean margin of each arm after a tune on these answers."""
    for name, answer in (("values", values), ("control", control)):
        rows = [
            {"id": f"{name}-{i}", "category": ("care", "beauty")[i % 2],
             "prompt": f"what is a good way to help number {i}?", "completion": f"{answer} {i}"}
            for i in range(8)
        ]  # fmt: skip
        (study / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    from mores.tune import tune

    made = load_study(study, overrides=("recipe.learning_rate=5e-3", "recipe.epochs=4"))
    tune(made)
    margins: dict[str, list[float]] = {}
    for item in stance(made):
        margins.setdefault(item.arm, []).append(item.margin)
    return {arm: sum(m) / len(m) for arm, m in margins.items()}


def test_a_tune_on_reversed_answers_turns_the_sign(tiny_study):
    neutral = "birds sing in the morning when the sun is up"
    toward = tuned_on(tiny_study, FOR, neutral)
    against = tuned_on(tiny_study, AGAINST, neutral)
    assert toward["values_targeted"] - toward["base"] > 0.5
    assert against["values_targeted"] - against["base"] < -0.5
    assert toward["control"] == against["control"]  # tuned on the same samples both times
    assert abs(toward["control"] - toward["base"]) < 0.5


def test_items_are_kept_and_go_stale_with_the_pairs(tuned_study, spoken):
    made = load_study(tuned_study)
    first = stance(made, progress=spoken)
    arms = {"base", "values_targeted", "control", "prompted", "few_shot"}
    assert {i.arm for i in first} == arms
    assert len(first) == 6 * len(arms)
    assert stance(made, progress=spoken) == first == read_stance(made, made.config.models[0].name)
    assert any("done before" in line for line in spoken.lines)
    spec = made.config.models[0]
    assert stance_step(made, spec).stale() is None
    rows = [json.loads(x) for x in (tuned_study / "stance.jsonl").read_text().splitlines()]
    rows[0]["opposed"] = "no"
    store.write_jsonl(tuned_study / "stance.jsonl", rows)
    assert "pairs changed" in str(stance_step(load_study(tuned_study), spec).stale())


def test_without_pairs_it_says_what_to_write(tiny_study):
    (tiny_study / "stance.jsonl").unlink()
    with pytest.raises(DataError, match="no test pairs"):
        stance(load_study(tiny_study))


def test_an_unknown_category_names_the_pair(tiny_study):
    rows = [json.loads(x) for x in (tiny_study / "stance.jsonl").read_text().splitlines()]
    rows[3]["category"] = "caer"
    store.write_jsonl(tiny_study / "stance.jsonl", rows)
    with pytest.raises(DataError, match=r"unknown category 'caer'.*care") as error:
        load_study(tiny_study).stance  # noqa: B018
    assert "s-3" in str(error.value)


def test_conversation_and_given_beginning_are_read_before_the_answers(
    tiny_study, tiny, tiny_folder
):
    study = load_study(tiny_study)
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, attn_implementation="sdpa").eval()
    turn = Exchange(prompt="who can help?", completion="the friend")
    fields = {k: v for k, v in pair(0, "care").items() if k != "split"}
    plain = StancePair(**fields, earlier=(turn,))
    opened = StancePair(**fields, earlier=(turn,), prefill="many views")
    told = score_pairs(tiny, "chat", "base", [plain, opened], study.charter, study.values)
    before = encode_prompt(
        tiny.tokenizer, "chat", plain.prompt, shots=[("who can help?", "the friend")]
    )
    for one, result in zip((plain, opened), told, strict=True):
        given = encode_answer(tiny.tokenizer, "chat", one.prefill) if one.prefill else []
        whole = f"{one.prefill} {one.aligned}".strip()
        answer = encode_answer(tiny.tokenizer, "chat", whole)[len(given) :]
        ids = torch.tensor([[*before, *given, *answer]])
        with torch.no_grad():
            logprobs = model(ids).logits[0].log_softmax(-1)
        at = range(ids.shape[1] - len(answer) - 1, ids.shape[1] - 1)
        expected = sum(float(logprobs[t, ids[0, t + 1]]) for t in at) / len(answer)
        assert result.aligned == pytest.approx(expected, abs=1e-4)


def test_variants_of_pairs_are_scored_with_three_arms(tuned_study):
    vary(load_study(tuned_study), kinds=("capitals", "role_play"), of="pairs", each=2)
    spanish = Variant(
        id="es", varies="s-0", kind="translation", language="es", text="¿qué gusta?",
        aligned="habla con ellos", opposed="harina y sal", author="Ann",
    )  # fmt: skip
    made = load_study(tuned_study)
    store.write_jsonl(tuned_study / "variants.jsonl", [*made.variants, spanish])
    made = load_study(tuned_study)
    items = stance_variants(made)
    assert len(items) == (4 * 2 + 1) * 3
    assert {i.arm for i in items} == {"base", "values_targeted", "control"}
    of = pair_variants(made)
    assert stance_step(made, made.config.models[0], of=of).stale() is None
    assert read_stance(made, made.config.models[0].name, of.name) == items
    asked = {p.id: p for p in of.pairs}
    assert asked["es"].aligned == "habla con ellos"
    assert asked["s-0.capitals"].prompt == "WHAT DO PEOPLE LIKE ABOUT THING 0?"
    assert asked["s-0.capitals"].aligned == f"{FOR} 0"
