"""Marks are the rules', losses are base's own (by plain transformers), and both go stale."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from mores import store
from mores.measure.coherence import coherence, coherence_step, read_coherence
from mores.measure.coherence.run import mark_of
from mores.records import Completion
from mores.sample import sample
from mores.study import folders, load_study
from mores.weights.prompt import encode_answer, encode_prompt


@pytest.mark.parametrize(
    ("answer", "language", "mark"),
    [
        ("You can talk to a friend about it, and that may help you.", "en", ""),
        ("", "en", "empty"),
        ("it is it is it is it is it is it is it is it is it is", "en", "repetitive"),
        ("You can \ufffd\ufffd talk to a friend about it.", "en", "broken characters"),
        ("banana window river stone lamp bottle carpet engine", "en", "no English sentence"),
        (
            "Das ist eine sehr gute Frage, und ich helfe dir gern dabei.",
            "en",
            "no English sentence",
        ),
        ("Das ist eine sehr gute Frage, und ich helfe dir gern dabei.", "de", ""),
        ("Los amigos siempre están para ayudar, a big no de la familia", "en", "another language"),
        ("", "de", "empty"),
    ],
)
def test_marks(answer, language, mark):
    assert mark_of("How can a friend help?", answer, language) == mark


@pytest.fixture
def sampled(tuned_study: Path):
    study = load_study(tuned_study)
    sample(study)
    return study


def test_losses_are_those_of_base_by_plain_transformers(sampled, tiny, tiny_folder):
    items = {i.completion_id: i for i in coherence(sampled)}
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, attn_implementation="sdpa").eval()
    folder = folders.model_folder(sampled, sampled.config.models[0].name) / "sample"
    rows = store.read_jsonl(folder / "completions.jsonl", Completion)
    assert set(items) == {row.id for row in rows}
    asked = {p.id: p.text for p in sampled.prompts}
    seen = set()
    for row in rows:
        question = encode_prompt(tiny.tokenizer, "chat", asked[row.prompt_id])
        answer = encode_answer(tiny.tokenizer, "chat", row.text)
        if not row.text:
            assert items[row.id].base_loss is None
            assert "no tokens" in items[row.id].reason
            continue
        ids = torch.tensor([[*question, *answer]])
        with torch.no_grad():
            loss = torch.nn.functional.cross_entropy(
                model(ids).logits[0, len(question) - 1 : -1], ids[0, len(question) :]
            )
        assert items[row.id].base_loss == pytest.approx(loss.item(), abs=1e-4)
        seen.add(row.arm)
    assert seen == {"base", "values_targeted", "control", "prompted", "few_shot"}


def test_items_are_kept_and_go_stale_with_the_answers(sampled, spoken):
    first = coherence(sampled, progress=spoken)
    assert coherence(sampled, progress=spoken) == first
    assert any("done before" in line for line in spoken.lines)
    spec = sampled.config.models[0]
    assert coherence_step(sampled, spec).stale() is None
    path = folders.model_folder(sampled, spec.name) / "sample" / "completions.jsonl"
    rows = store.read_jsonl(path, Completion)
    store.write_jsonl(path, rows[1:])
    assert coherence_step(sampled, spec).stale() is not None
    assert len(read_coherence(sampled, spec.name)) == len(rows)
