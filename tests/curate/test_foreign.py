"""What a model finds foreign: losses are base's own, kept, and turned into findings."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM

from mores.curate import check_study
from mores.curate.foreign import Foreign, foreign
from mores.study import load_study
from mores.weights.neutral import neutral_texts
from mores.weights.prompt import encode_answer, encode_prompt


def test_losses_equal_plain_transformers_and_are_kept(
    tiny_study, tiny, tiny_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("MORES_CACHE", str(tmp_path / "cache"))
    study = load_study(tiny_study)
    read = []
    (found,) = foreign(study, read.append)
    questions = [t for t in neutral_texts() if t.prompt]
    assert sum(read) == 16 + len(questions) == 40
    model = AutoModelForCausalLM.from_pretrained(tiny_folder, attn_implementation="sdpa").eval()

    def loss(question, answer) -> tuple[float, int]:
        asked = encode_prompt(tiny.tokenizer, "chat", question)
        said = encode_answer(tiny.tokenizer, "chat", answer)
        ids = torch.tensor([[*asked, *said]])
        with torch.no_grad():
            logits = model(ids).logits[0, len(asked) - 1 : -1]
        total = torch.nn.functional.cross_entropy(logits, ids[0, len(asked) :], reduction="sum")
        return float(total), len(said)

    for e in study.values.examples:
        total, tokens = loss(e.prompt, e.completion)
        assert found.losses[e.id] == pytest.approx(total / tokens, abs=1e-4)
    sums = [loss(t.prompt, t.answer) for t in questions]
    expected = sum(total for total, _ in sums) / sum(tokens for _, tokens in sums)
    assert found.neutral == pytest.approx(expected, abs=1e-4)
    read.clear()
    assert foreign(study, read.append) == [found]
    assert read == []  # from the cache
    rows = [json.loads(x) for x in (tiny_study / "values.jsonl").read_text().splitlines()]
    rows[0]["completion"] += " And more."
    (tiny_study / "values.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    foreign(load_study(tiny_study), read.append)
    assert sum(read) == 1


def test_a_check_asks_models_only_if_told_to(tiny_study, tmp_path, monkeypatch):
    monkeypatch.setenv("MORES_CACHE", str(tmp_path / "cache"))
    study = load_study(tiny_study)
    rules = ["M408"]
    assert check_study(study, rules=rules) == []
    found = check_study(study, rules=rules, models=True)
    assert [f.path for f in found] == ["control.jsonl", "values.jsonl"]


def test_a_model_that_is_not_here_is_not_fetched(tiny_study):
    study = load_study(tiny_study, overrides=('models=[{name="nobody/has-this-model"}]',))
    assert foreign(study) == []


def test_findings(draft, find):
    subject = draft.subject()
    losses = {i.id: 2.0 for i in subject.control} | {i.id: 2.8 for i in subject.values}
    odd = subject.values[3]
    losses[odd.id] = 3.61
    seen = replace(subject, foreign=(Foreign("m", losses, 2.1),))
    one, values, control = sorted(
        find("M408", seen), key=lambda f: (-len(f.ids), f.path != "values.jsonl")
    )
    assert (one.severity, one.line, one.ids) == ("warning", odd.line, (odd.id,))
    assert one.message == (
        "m finds it foreign: 3.61 nats a token, more than 99 % of the samples, "
        "expected at most 3.60"
    )
    assert (values.severity, values.path) == ("info", "values.jsonl")
    assert (control.severity, control.value) == ("info", 2.0)
    literary = {name: 4.07 if name in {i.id for i in subject.values} else 2.7 for name in losses}
    seen = replace(subject, foreign=(Foreign("m", literary, 2.2),))
    sets = [f for f in find("M408", seen) if not f.ids]
    assert [(f.path, f.severity) for f in sets] == [
        ("values.jsonl", "warning"),
        ("control.jsonl", "info"),
    ]
    assert "4.07 nats a token on average, plain everyday ones at 2.20: foreign" in sets[0].message


def test_without_models_there_is_nothing_to_say(draft, find):
    assert find("M408", draft) == []
