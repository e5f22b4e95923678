"""Records refuse what they do not know and what cannot be."""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec
import pytest

import mores.rate.texts
import mores.study.signoff
import mores.weights.assets.table
from mores import records, store
from mores.errors import DataError
from mores.records import (
    IN_WORDS,
    Charter,
    Completion,
    Decoding,
    Estimate,
    Example,
    Position,
    Prompt,
    Rating,
    Recipe,
    Record,
    Score,
    to_plain,
)
from mores.step import Manifest

EXAMPLE = {"id": "v-1", "category": "care", "prompt": "Why?", "completion": "Because."}
SCORE = {
    "completion_id": "c",
    "scorer": "s",
    "version": "1",
    "digest": "d",
    "attribute": "toxicity",
    "value": 0.5,
}
PROMPT = {"id": "p", "category": "c", "text": "Why?", "split": "test"}
POSITION = {"category": "care", "title": "Care", "statement": "Help those who ask for help."}
ALL = [*vars(records).values(), Manifest]
ALL = [kind for kind in ALL if isinstance(kind, type)]
ALL = [kind for kind in ALL if issubclass(kind, Record) and kind is not Record]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_record_is_frozen_keyword_only_and_closed(kind):
    config = kind.__struct_config__
    assert (config.frozen, config.forbid_unknown_fields) == (True, True)
    if kind.__struct_fields__:
        with pytest.raises(TypeError):
            kind("positional")


def test_unknown_fields_are_refused():
    with pytest.raises(msgspec.ValidationError, match="unknown field `promt`"):
        msgspec.convert({**EXAMPLE, "promt": "x"}, Example)


def test_a_field_cannot_be_changed():
    example = msgspec.convert(EXAMPLE, Example)
    with pytest.raises(AttributeError):
        example.prompt = "other"


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "a\nb", "a\n", "\x00", "a\x1fb", "x" * 201])
def test_an_id_without_blanks_and_control_characters_of_1_to_200_characters(name):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**EXAMPLE, "id": name}, Example)


@pytest.mark.parametrize("name", ["v-01", "ü.1", "a/b#c", "x" * 200])
def test_other_ids_are_fine(name):
    assert msgspec.convert({**EXAMPLE, "id": name}, Example).id == name


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        (Example, {**EXAMPLE, "prompt": ""}),
        (Example, {**EXAMPLE, "completion": ""}),
        (Example, {k: v for k, v in EXAMPLE.items() if k != "completion"}),
        (Example, {**EXAMPLE, "prompt": 3}),
        (Prompt, {**PROMPT, "split": "train"}),
        (Prompt, {**PROMPT, "kind": "mean"}),
        (Prompt, {**PROMPT, "text": ""}),
        (Position, {**POSITION, "statement": "too short"}),
        (Position, {**POSITION, "title": ""}),
        (Charter, {"version": "1", "positions": []}),
        (Recipe, {"method": "prefix"}),
        (Recipe, {"epochs": 0}),
        (Recipe, {"epochs": 1.5}),
        (Recipe, {"batch_size": 0}),
        (Recipe, {"micro_tokens": 0}),
        (Recipe, {"learning_rate": 0.0}),
        (Recipe, {"learning_rate": 1.0}),
        (Recipe, {"schedule": "step"}),
        (Recipe, {"warmup": 1.01}),
        (Recipe, {"prompt_weight": -0.1}),
        (Recipe, {"weight_decay": 1.1}),
        (Recipe, {"clip_norm": 0.0}),
        (Recipe, {"lora_rank": 0}),
        (Recipe, {"held_out": 1.1}),
        (Recipe, {"dtype": "float16"}),
        (Recipe, {"early_stopping": 1}),
        (Decoding, {"temperature": -0.1}),
        (Decoding, {"temperature": 5.1}),
        (Decoding, {"top_p": 0.0}),
        (Decoding, {"top_k": -1}),
        (Decoding, {"max_new_tokens": 0}),
        (Score, {**SCORE, "value": None}),
        (Rating, {"completion_id": "c", "rater": "r", "value": 0}),
        (Rating, {"completion_id": "c", "rater": "r", "value": 6}),
        (Rating, {"completion_id": "c", "rater": "r", "value": 3, "kind": "dog"}),
        (Estimate, {"value": None, "n": 1, "unit": "u", "method": "m", "verdict": "good"}),
    ],
)
def test_values_out_of_range_are_refused(kind, row):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(row, kind)


def test_values_on_the_edge_are_fine():
    recipe = msgspec.convert(
        {"epochs": 1, "warmup": 1.0, "prompt_weight": 0.0, "held_out": 0.5, "early_stopping": 2},
        Recipe,
    )
    assert (recipe.warmup, recipe.prompt_weight, recipe.early_stopping) == (1.0, 0.0, 2)
    assert msgspec.convert({"temperature": 0.0, "top_p": 1.0}, Decoding).temperature == 0.0
    assert [
        msgspec.convert({"completion_id": "c", "rater": "r", "value": v}, Rating).value
        for v in (1, 5)
    ] == [1, 5]


def test_the_checks_that_span_fields_hold_in_python_too():
    with pytest.raises(ValueError, match="held_out"):
        Recipe(early_stopping=1)
    with pytest.raises(ValueError, match="reason"):
        Score(**{**SCORE, "value": None})
    with pytest.raises(ValueError, match="reason"):
        Estimate(value=None, n=0, unit="prompt", method="m", verdict="not computable")
    assert Score(**{**SCORE, "value": None}, reason="empty text").value is None


@pytest.mark.parametrize("field", ["value", "low", "high", "p", "p_adjusted"])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_an_estimate_is_never_nan_or_infinite(field, number):
    with pytest.raises(ValueError, match="not a finite number"):
        Estimate(**{"value": 1.0, "n": 3, "unit": "prompt", "method": "m", field: number})


def test_a_charter_finds_positions_by_category_in_order():
    positions = tuple(
        Position(category=c, title=c, statement=f"Statement of twenty letters on {c}.")
        for c in ("b", "a")
    )
    charter = Charter(version="1", positions=positions)
    assert charter.categories == ("b", "a")
    assert charter.position("a") is positions[1]
    with pytest.raises(KeyError):
        charter.position("c")


def test_to_plain_gives_fields_in_declared_order():
    plain = to_plain(Example(**EXAMPLE))
    assert list(plain) == list(Example.__struct_fields__)
    assert plain["suppress"] == {}


def test_defaults_are_not_shared_between_records():
    one, two = Example(**EXAMPLE), Example(**EXAMPLE)
    one.suppress["M101"] = "changed"
    assert two.suppress == {}


def test_a_completion_and_a_manifest_survive_the_way_through_json():
    completion = Completion(
        id="m.base.p.d0",
        prompt_id="p",
        category="c",
        model="m",
        arm="base",
        seed=0,
        draw=0,
        text="a\u2028b \U0001f600",
        finish_reason="stop",
        prompt_tokens=3,
        tokens=2,
        flags=("empty",),
    )
    manifest = Manifest(
        step="x", inputs={"a": "b"}, outputs={}, config={"k": [1, None]}, seed=1, versions={}
    )
    for record in (completion, manifest):
        assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record


def test_no_message_shows_a_pattern():
    """Every pattern of every record is kept in words, and a message has these and the value."""
    assert mores.rate.texts.Tag
    assert mores.study.signoff.sign
    assert mores.weights.assets.table.Sha256
    found = set()
    for path in Path(mores.__file__).parent.rglob("*.py"):
        found |= set(re.findall(r"Meta\([^)]*pattern=([^,)]+)", path.read_text("utf-8")))
    assert found == {  # each made by `matching`
        "_NAME", "_TAG", "_SHA256", "_DATE", "_DAY", "_MOMENT", "_PERSON", "_KEY",
            "_LANGUAGE",
    }  # fmt: skip
    assert len(IN_WORDS) == 10
    row = {"completion_id": "a b", "rater": "x", "value": 1}
    with pytest.raises(DataError) as caught:
        store.as_record(row, Rating)
    assert caught.value.message == (
        "expected a name without blanks, such as mental_health in field `completion_id`, "
        "found 'a b'"
    )
    position = {"category": "Mental health", "title": "t", "statement": "s" * 20}
    with pytest.raises(DataError, match="found 'Mental health'") as caught:
        store.as_record({"version": "1", "positions": [position]}, Charter)
    assert "regex" not in str(caught.value)
