"""`mores vary`: what is written, what stays as people left it, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fake_service import answer, service  # noqa: F401 - fixtures
from mores import store
from mores.cli import mores
from mores.errors import DataError, StudyError
from mores.records import Variant
from mores.study import load_study
from mores.vary.prompts import vary


def rows(study: Path) -> dict[str, dict]:
    text = (study / "variants.jsonl").read_text("utf-8")
    return {row["id"]: row for row in map(json.loads, text.splitlines())}


def test_rules_make_variants_of_test_prompts_and_pairs(tiny_study: Path) -> None:
    made = vary(load_study(tiny_study), kinds=("typos", "push_back"))
    # Six test prompts have both kinds, six test pairs have no answer to push back against.
    assert made.kinds == {"typos": 12, "push_back": 6}
    assert made.fresh == 18
    assert "no answer of the model's own" in made.skipped["push_back"]
    found = rows(tiny_study)
    assert found["t-0.push_back"]["varies"] == "t-0"
    assert found["t-0.push_back"]["source"] == "rule push_back"
    assert "t-6.typos" not in found  # a validation prompt
    assert vary(load_study(tiny_study), kinds=("typos", "push_back")).fresh == 0


def test_of_each_category_the_first(tiny_study: Path) -> None:
    made = vary(load_study(tiny_study), kinds=("capitals",), of="prompts", each=1)
    assert set(rows(tiny_study)) == {"t-0.capitals", "t-1.capitals"}
    assert made.kinds == {"capitals": 2}


def test_what_people_wrote_stays_and_what_rules_made_is_made_anew(tiny_study: Path) -> None:
    vary(load_study(tiny_study), kinds=("capitals",), of="prompts")
    own = Variant(id="mine", varies="t-0", kind="dialect", text="Wha can tell me?", author="Ann")
    there = [store.as_record(row, Variant) for row in rows(tiny_study).values()]
    read = Variant(id="t-1.capitals", varies="t-1", kind="capitals", text="MINE", reviewer="Ann")
    there = [read if one.id == read.id else one for one in there]
    store.write_jsonl(tiny_study / "variants.jsonl", [*there, own])
    prompts = [json.loads(x) for x in (tiny_study / "prompts.jsonl").read_text().splitlines()]
    prompts[2]["text"] = "who can?"
    store.write_jsonl(tiny_study / "prompts.jsonl", prompts)
    vary(load_study(tiny_study), kinds=("capitals",), of="prompts")
    found = rows(tiny_study)
    assert found["mine"]["text"] == "Wha can tell me?"
    assert found["t-1.capitals"]["text"] == "MINE"
    assert found["t-2.capitals"]["text"] == "WHO CAN?"


def test_a_paraphrase_by_a_service_waits_for_a_reader(tiny_study, service, answer):  # noqa: F811
    service.answer = lambda request: answer(
        {
            "id": "x",
            "model": request["model"],
            "choices": [{"message": {"content": " In other words? "}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 60, "completion_tokens": 5},
        }
    )
    made = vary(
        load_study(tiny_study),
        kinds=("paraphrase",),
        of="prompts",
        each=1,
        model="big",
        endpoint=service.url,
    )
    assert made.unread == made.kinds["paraphrase"] == 2
    found = rows(tiny_study)
    assert found["t-0.paraphrase"]["source"] == "draft by big"
    assert found["t-0.paraphrase"]["text"] == "In other words?"
    asked = len(service.requests)
    study = load_study(tiny_study)
    assert vary(study, kinds=("paraphrase",), of="prompts", each=1, model="big").fresh == 0
    assert len(service.requests) == asked  # none is written twice
    assert all(v.unread for v in study.variants)


def test_nobody_named_and_unknown_kinds_are_refused(tiny_study: Path) -> None:
    with pytest.raises(StudyError, match="nobody was named"):
        vary(load_study(tiny_study), kinds=("paraphrase",))
    with pytest.raises(StudyError, match=r"no rule makes 'typo'.*typos"):
        vary(load_study(tiny_study), kinds=("typo",))
    assert not (tiny_study / "variants.jsonl").exists()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"varies": "t-99"}, r"'t-99', which is no prompt or pair"),
        ({"varies": "s-0", "earlier": [{"prompt": "so?"}]}, "a pair has none"),
        ({"varies": "t-0", "aligned": "a", "opposed": "b"}, "varies a prompt"),
        ({"varies": "s-0", "aligned": "a"}, "come together"),
        ({"varies": "t-0", "language": "español"}, "a language tag"),
    ],
)
def test_a_variant_that_fits_nothing_names_its_line(tiny_study: Path, fields, said) -> None:
    row = {"id": "v-1", "kind": "mine", "text": "so?", **fields}
    (tiny_study / "variants.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=said) as error:
        load_study(tiny_study).variants  # noqa: B018
    assert "variants.jsonl" in str(error.value)


def test_the_command_counts_by_kind(tiny_study: Path) -> None:
    done = CliRunner().invoke(
        mores, ["vary", str(tiny_study), "--kinds", "capitals", "--each", "1"]
    )
    assert done.exit_code == 0
    assert "capitals         4" in done.output
