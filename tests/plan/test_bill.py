"""The most that services can ask for, against counting by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from mores.plan import plan
from mores.plan.bill import bills
from mores.study import load_study


def with_lines(folder: Path, lines: str) -> Path:
    path = folder / "study.toml"
    text = path.read_text("utf-8").replace('format = "chat"', f'format = "chat"\n{lines}')
    path.write_text(text, "utf-8")
    return folder


def test_without_services_there_is_no_bill(tiny_study: Path) -> None:
    assert bills(load_study(tiny_study)) == []


def test_a_bill_by_hand(tiny_study: Path) -> None:
    lines = (
        'engine = "openai"\n[models.endpoint]\nurl = "https://host/v1"\nmost_money = 3.5\n'
        'prices = { read = 2.0, drawn = 10.0, currency = "EUR" }'
    )
    study = load_study(
        with_lines(tiny_study, lines), overrides=("cooccurrence.samples_per_stem=0",)
    )
    (bill,) = bills(study)
    # 5 arms x 6 test prompts x 2 draws of at most 12 tokens
    assert bill.drawn == 5 * 6 * 2 * 12
    from mores.sample.requests import prompt_requests
    from mores.study import arm_keys
    from mores.tune.base import base_of
    from mores.weights.load import load

    loaded = load(base_of(study.config.models[0]))
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    rows = prompt_requests(
        loaded, "chat", keys, study.chosen_prompts, 2, study.charter, study.values
    )
    assert bill.read == sum(len(r.ids) for r in rows)
    assert bill.money == pytest.approx((bill.read * 2 + bill.drawn * 10) / 1e6)
    assert (bill.currency, bill.budget, bill.estimated) == ("EUR", "3.5 EUR", False)


def test_a_model_that_is_elsewhere_is_planned_by_its_bill_alone(tiny_study: Path) -> None:
    lines = (
        'engine = "openai"\ntuner = "openai"\n[models.endpoint]\nurl = "https://host/v1"\n'
        '[models.host]\nprofile = "nebius"\nprices = { trained = 25.0 }\n'
    )
    study = load_study(with_lines(tiny_study, lines))
    work = plan(study, probe=False)
    assert work.models == ()
    answers, tuning = work.bills
    assert work.stem_completions == 0
    assert answers.drawn == 5 * 6 * 2 * 12  # a chat service continues no stems
    assert answers.estimated
    epochs = study.config.recipe.epochs
    size = sum(
        -(-len((e.prompt + e.completion).encode()) // 3)
        for name in ("values", "control")
        for e in getattr(study, name).examples
    )
    assert tuning.trained == epochs * size  # three bytes a token, rounded up for each sample
    assert tuning.money == pytest.approx(tuning.trained * 25 / 1e6)


def test_a_judge_by_hand(tiny_study: Path) -> None:
    from mores.rate.judge.items import Item
    from mores.rate.judge.prompt import read_prompt

    path = tiny_study / "study.toml"
    judge = (
        '\n[[judges]]\nname = "judge-7b"\nfamily = "llama"\n[judges.endpoint]\n'
        'url = "https://host/v1"\nprices = { read = 1.0, drawn = 4.0 }\nmost_tokens = 50000\n'
    )
    path.write_text(path.read_text("utf-8") + judge, "utf-8")
    study = load_study(tiny_study)
    (bill,) = bills(study)
    # 3 rated arms x 6 prompts x 2 draws x 2 orders, one digit of at most 16 tokens each
    assert bill.drawn == 3 * 6 * 2 * 2 * 16
    prompt = read_prompt(study)
    read = 0
    for q in study.chosen_prompts:
        position = study.charter.position(q.category)
        text = prompt.text(Item(position.title, position.statement, q.text, "", ()), "ascending")
        read += 3 * 2 * 2 * (len(text.encode()) // 3 + 12)
    assert bill.read == read
    assert bill.money == pytest.approx((read + 4 * bill.drawn) / 1e6)
    assert (bill.model, bill.budget, bill.estimated) == ("judge judge-7b", "50,000 tokens", True)


@pytest.mark.parametrize(("harms", "sets"), [("false", 2), ("true", 4)])
def test_free_answers_of_the_gates_are_billed(tiny_study: Path, harms: str, sets: int) -> None:
    """Of the harms: everyday questions, and those of malice."""
    lines = 'engine = "openai"\n[models.endpoint]\nurl = "https://host/v1"\n'
    lines += "prices = { read = 2.0, drawn = 10.0 }"
    gates = (
        "gates.enabled=true",
        f"gates.harms={harms}",
        "gates.items=4",
        "gates.decoding={ max_new_tokens = 16 }",
    )
    study = load_study(
        with_lines(tiny_study, lines), overrides=("cooccurrence.samples_per_stem=0", *gates)
    )
    (bill,) = bills(study)
    # Base and two tuned arms x 4 questions a set x one draw of at most 16 tokens.
    assert bill.drawn == 5 * 6 * 2 * 12 + 3 * 4 * sets * 16
