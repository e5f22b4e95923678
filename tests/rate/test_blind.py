"""Blinding: opaque ids, a key that covers them exactly, sealed where only its owner reads it."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections import Counter
from pathlib import Path

import pytest
from app import make_site, make_study

from mores import store
from mores.errors import DataError
from mores.rate.blind import blind, key_path, read_key, seal
from mores.rate.db.setup import units
from mores.rate.model import ItemMedia, RatingItem
from mores.rate.unblind import unblind
from mores.sample import read_completions, sample
from mores.study import folders, load_study
from mores.tune import tune


def outputs(prompt: str, arm: str, draw: int) -> str:
    return f"\n\t {prompt}, {arm}, {draw}: well\u00a0\n"


@pytest.fixture
def study(tmp_path: Path):
    return make_study(tmp_path, prompts=4, draws=2, outputs=outputs)


def completions(study):
    return read_completions(study, study.config.models[0].name)


def test_items_and_key_cover_the_completions_exactly(study) -> None:
    items, key = blind(study)
    rows = {row.id: row for row in completions(study)}
    assert len(items) == len(key) == len(rows) == 4 * 3 * 2
    assert {k.completion_id for k in key} == set(rows)
    assert {k.item_id for k in key} == {item.id for item in items}
    by_id = {item.id: item for item in items}
    for k in key:
        row, item = rows[k.completion_id], by_id[k.item_id]
        assert (k.model, k.arm, k.seed, k.draw) == (row.model, row.arm, row.seed, row.draw)
        assert k.prompt_id == row.prompt_id
        assert k.digest == store.digest(row.text)  # of the text as it was sampled
        assert item.output == row.text.strip()
        assert item.category == row.category
        assert item.prompt == f"What about {row.prompt_id[1:]}?"


def test_ids_are_opaque_unique_and_new_each_time(study) -> None:
    first, second = (blind(study)[0] for _ in range(2))
    ids = [item.id for item in first]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in ids)
    assert not set(ids) & {item.id for item in second}


def test_items_lie_in_the_order_of_their_random_ids(study) -> None:
    items, key = blind(study)
    ids = [item.id for item in items]
    assert ids == sorted(ids)
    assert ids != [k.item_id for k in key]  # 24! orders


def test_white_space_around_an_output_is_cut_off(study) -> None:
    items, _ = blind(study)
    assert all(item.output == item.output.strip() for item in items)
    assert all(item.output.endswith("well") for item in items)


def test_an_item_has_no_field_for_the_arm() -> None:
    assert set(RatingItem.__struct_fields__) == {
        "id", "kind", "category", "prompt", "output", "language", "media"
    }  # fmt: skip
    assert set(ItemMedia.__struct_fields__) == {"kind", "file", "alt", "captions"}


def test_arms_and_draws_that_are_not_rated_are_left_out(study) -> None:
    rules = ('rating.arms=["base", "control"]', "rating.draws=1")
    _, key = blind(load_study(study.folder, overrides=rules))
    assert Counter((k.arm, k.draw) for k in key) == {("base", 0): 4, ("control", 0): 4}


def test_nothing_to_rate(study) -> None:
    with pytest.raises(DataError, match="no completions of the arms") as found:
        blind(load_study(study.folder, overrides=('rating.arms=["few_shot"]',)))
    assert "mores sample" in str(found.value)


def test_the_condition_names_model_arm_and_training_seed(study) -> None:
    _, key = blind(study)
    assert {unit.condition for unit in units(key, study)} == {
        "smollm2-135m/base",
        "smollm2-135m/values_targeted-s1",
        "smollm2-135m/control-s1",
    }


def test_the_sealed_key_is_its_owners_only(study) -> None:
    _, key = blind(study)
    path = seal(study, key)
    assert path == folders.rating_folder(study) / "key.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_key(study, store.digest(key)) == key


def test_no_key(study) -> None:
    with pytest.raises(DataError, match="the key to these ratings is not there") as found:
        read_key(study, "sha256:" + "0" * 64)
    assert "key.jsonl" in str(found.value)


def test_a_key_of_other_ratings(study) -> None:
    _, key = blind(study)
    _, other = blind(study)
    seal(study, other)
    with pytest.raises(DataError, match="does not belong to these ratings"):
        read_key(study, store.digest(key))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"arm":"base"', '"arm":"control"', 1), "does not belong"),
        (lambda text: text.partition("\n")[2], "does not belong"),
        (lambda text: text + text.partition("\n")[0] + "\n", "already used on line 1"),
        (lambda text: text[:-30], "not valid JSON"),
        (lambda text: "", "does not belong"),
    ],
    ids=["another arm", "a line gone", "a line twice", "cut off", "empty"],
)
def test_a_key_that_was_changed(study, change, message) -> None:
    _, key = blind(study)
    path = seal(study, key)
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(DataError, match=message):
        read_key(study, store.digest(key))


def test_prompts_whose_ids_end_alike_are_not_mixed_up(tmp_path: Path) -> None:
    """`m.base.q.d0` could be the base answer to `q`, or that of no arm to `base.q`."""
    study = make_study(tmp_path, ids=["q", "base.q", "control-s1.base.q"], categories=3)
    _, key = blind(study)
    prompt_of = {row.id: row.prompt_id for row in completions(study)}
    completion_of = {k.item_id: k.completion_id for k in key}
    planned = units(key, study)
    assert {completion_of[unit.item]: unit.prompt for unit in planned} == prompt_of
    assert {(unit.prompt, unit.category) for unit in planned} == {
        ("q", "topic-1"), ("base.q", "topic-2"), ("control-s1.base.q", "topic-3")
    }  # fmt: skip


def test_a_key_sealed_before_it_named_prompts_opens_its_ratings(study) -> None:
    """Such a file, and the digest of it that its database holds, have no `prompt_id`."""
    _, key = blind(study)
    path = seal(study, key)
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        del row["prompt_id"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    compact = ",".join(json.dumps(row, separators=(",", ":")) for row in rows)
    digest = "sha256:" + hashlib.sha256(f"[{compact}]".encode()).hexdigest()
    assert [k.completion_id for k in read_key(study, digest)] == [k.completion_id for k in key]


def test_a_second_set_up_keeps_the_first_key(study, tmp_path: Path) -> None:
    """Two databases of one study: each can be unblinded, neither key is overwritten."""
    first = make_site(study)
    kept = key_path(study).read_bytes()
    second = make_site(study, str(tmp_path / "second.sqlite"))
    assert key_path(study).read_bytes() != kept
    aside = key_path(study, first.facts.key_digest)
    assert aside.read_bytes() == kept
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert key_path(study, second.facts.key_digest) == key_path(study)
    for site in (first, second):
        assert unblind(site.database, study, who="Ada", now=1.0).needed == 36 * 2
        site.database.close()


def test_the_key_is_in_no_table_of_the_database(study) -> None:
    """Completion ids and arms are nowhere in the file, as plain bytes."""
    site = make_site(study)
    site.database.close()
    data = b"".join(p.read_bytes() for p in site.database.path.parent.glob("ratings.sqlite*"))
    key = read_key(study, site.facts.key_digest)
    assert all(k.completion_id.encode() not in data for k in key)
    assert all(k.item_id.encode() in data for k in key)


def test_answers_of_other_weights_are_not_put_before_people(tuned_study: Path) -> None:
    study = load_study(tuned_study)
    sample(study)
    assert len(blind(study)[0]) == 36  # base, values-targeted and control: 6 prompts, 2 draws
    tune(load_study(tuned_study, overrides=("recipe.epochs=1",)))
    with pytest.raises(DataError, match=r"`mores sample` is not current \(values_targeted-s1"):
        blind(study)
