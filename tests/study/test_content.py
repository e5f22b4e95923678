"""Digests of what records say: who had them in hand changes none."""

from __future__ import annotations

import json

from msgspec.structs import replace

from mores import store
from mores.records import Accountable, Basis, Charter, Example, Position, Prompt, StancePair
from mores.step import Manifest, recorded, write_manifest
from mores.study import ArmKey, load_study
from mores.study.content import charter_digest, records_digest, samples_digest
from mores.tune.run import tune_step

EXAMPLE = Example(
    id="v-1", category="care", prompt="Why?", completion="Because.", author="A", reviewer="R",
    license="CC0-1.0", source="a book", why="says why", suppress={"M101": "short"},
)  # fmt: skip
PEOPLE = {"author": "B", "reviewer": "S", "accepted": "2026-11-27"}


def plain(**fields: object) -> str:
    """A digest of literal JSON, keys in order of the alphabet."""
    return store.digest_bytes(json.dumps([fields], separators=(",", ":"), sort_keys=True).encode())


def test_a_sample_is_its_id_category_question_and_answer():
    whole = store.digest_bytes(b'[["v-1","care","Why?","Because."]]')
    assert samples_digest([EXAMPLE]) == whole
    about = {**PEOPLE, "license": "MIT", "source": "s", "why": "w", "suppress": {}}
    for field, value in about.items():
        assert samples_digest([replace(EXAMPLE, **{field: value})]) == whole, field
    for field in ("id", "category", "prompt", "completion"):
        assert samples_digest([replace(EXAMPLE, **{field: "other"})]) != whole, field
    two = [EXAMPLE, replace(EXAMPLE, id="v-2")]
    assert samples_digest(two) != samples_digest(two[::-1])  # training reads them in this order


def test_what_an_earlier_version_wrote_down_for_the_same_samples_stays():
    earlier = plain(
        id="v-1", category="care", prompt="Why?", completion="Because.", author="A", reviewer="R",
        license="CC0-1.0", source="a book", why="says why", suppress={"M101": "short"},
    )  # fmt: skip
    assert samples_digest([EXAMPLE], [None, earlier]) == earlier
    assert samples_digest([replace(EXAMPLE, accepted="2026-11-27")], [earlier]) == earlier
    changed = replace(EXAMPLE, reviewer="S")  # once more under its new name, then never again
    assert samples_digest([changed], [earlier]) == samples_digest([EXAMPLE])


def test_prompts_pairs_and_charters_keep_the_digests_of_earlier_versions():
    prompt = Prompt(id="p", category="care", text="Why?", split="test", near="v-1")
    assert records_digest([prompt]) == plain(
        id="p", category="care", text="Why?", split="test", kind="neutral", presets=[],
        near="v-1", suppress={},
    )  # fmt: skip
    pair = StancePair(id="s", category="care", prompt="Why?", aligned="Yes.", opposed="No.")
    assert records_digest([pair]) == plain(
        id="s", category="care", prompt="Why?", aligned="Yes.", opposed="No.", split="test",
        suppress={},
    )  # fmt: skip
    for record in (prompt, pair):
        assert records_digest([replace(record, **PEOPLE)]) == records_digest([record])
    position = Position(
        category="care", title="Care", statement="Help those who ask for help.", why="w",
        basis=(Basis(source="UDHR", force="soft"), "a book"),
    )  # fmt: skip
    charter = Charter(version="1", positions=(position,))
    fields = {
        "version": "1",
        "language": "en",
        "positions": [
            {
                "category": "care", "title": "Care", "statement": "Help those who ask for help.",
                "why": "w", "basis": [{"source": "UDHR", "force": "soft"}, "a book"],
            }
        ],
    }  # fmt: skip
    text = json.dumps(fields, separators=(",", ":"), sort_keys=True)
    assert charter_digest(charter) == store.digest_bytes(text.encode())
    answered = replace(position, accountable=Accountable(who="A lead"))
    assert charter_digest(replace(charter, positions=(answered,))) == charter_digest(charter)
    assert store.digest(replace(charter, positions=(answered,))) != store.digest(charter)


def test_an_arm_is_not_tuned_again_because_somebody_reviewed_its_samples(tiny_study):
    study = load_study(tiny_study)
    spec, key = study.config.models[0], ArmKey("values_targeted", 1)
    step = tune_step(study, spec, key)
    rows = store.read_rows(tiny_study / "values.jsonl")

    def why(inputs: dict[str, str], **people: str) -> str | None:
        store.write_jsonl(tiny_study / "values.jsonl", [{**row, **people} for _, row in rows])
        manifest = Manifest(
            step="tune", inputs=inputs, outputs={}, config=dict(step.config), seed=1, versions={}
        )
        write_manifest(step.folder, manifest)
        return tune_step(load_study(tiny_study), spec, key).why()

    now = {name: digest for name, digest in step.inputs.items() if digest is not None}
    assert why(now, **PEOPLE) is None
    assert why(now, completion="Another answer to every question of the set.") == "dataset changed"
    plain_rows = [
        {**{f: getattr(e, f) for f in Example.__struct_fields__ if f != "accepted"}}
        for e in study.values.examples
    ]
    assert why({**now, "dataset": store.digest(plain_rows)}) is None  # of an earlier version
    assert recorded(step.folder, "dataset") == store.digest(plain_rows)
    assert recorded(step.folder / "none", "dataset") is None


def test_a_field_that_came_later_counts_only_where_it_says_something():
    prompt = Prompt(id="t-1", category="care", text="Why?", split="test")
    fields = {
        "id": "t-1", "category": "care", "text": "Why?", "split": "test", "kind": "neutral",
        "presets": [], "near": "", "suppress": {},
    }  # fmt: skip
    assert records_digest([prompt]) == plain(**fields)
    assert records_digest([replace(prompt, language="es")]) == plain(**fields, language="es")
