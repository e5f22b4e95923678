"""What is in a pack, at each level; and what is not: people, weights, places, times."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from packs import ANSWERS, PEOPLE, RATINGS, REACHED, REPORT, RUN, content
from rocrate.rocrate import ROCrate

from mores import store
from mores.errors import DataError
from mores.release.pack import pack, verify
from mores.report import report
from mores.study import load_study

PEOPLES = ("values.jsonl", "control.jsonl", "prompts.jsonl", "stance.jsonl", "charter.toml",
           "rating.toml", "signatures.jsonl", "runs/quick/ratings/collected.jsonl",
           "runs/quick/ratings/collected.json")  # fmt: skip


@pytest.mark.parametrize("level", ["full", "no-texts", "figures"])
def test_no_person_link_address_or_place_is_in_a_pack(packed, finished, level):
    files = content(packed(level))
    raters = {
        json.loads(row)["rater"]
        for row in (finished / "runs/quick/ratings/collected.jsonl").read_text("utf-8").splitlines()
    }
    assert len(raters) == 2
    secret = (*PEOPLE, *(name.split()[1] for name in PEOPLE), *REACHED, *raters, str(finished))
    whole = b"\n".join(files.values()).decode("utf-8", "replace")
    assert [one for one in secret if one in whole] == []
    # They are in the study, so this can fail.
    everything = b"".join(p.read_bytes() for p in finished.rglob("*") if p.is_file())
    assert all(one.encode() in everything for one in (*PEOPLE, *REACHED, *raters))


def test_labels_are_the_same_person_everywhere_and_raters_keep_their_order(packed, finished):
    files = content(packed())
    rows = [json.loads(row) for row in files[RATINGS].splitlines()]
    before = [
        json.loads(row)
        for row in (finished / "runs/quick/ratings/collected.jsonl").read_text("utf-8").splitlines()
    ]
    names = dict(zip(sorted({r["rater"] for r in before}), ("r1", "r2"), strict=True))
    assert rows == [row | {"rater": names[row["rater"]]} for row in before]
    # Ada, Emmy, Grace, Lise, Mary: p1 to p5.
    sample = json.loads(files["study/values.jsonl"].splitlines()[0])
    assert (sample["author"], sample["reviewer"]) == ("p1", "p3")
    assert sample["accepted"] == "2026-01-02"
    signed = [json.loads(row) for row in files["study/signatures.jsonl"].splitlines()]
    assert [row["by"] for row in signed] == ["p1"] * 4 + ["p2"]
    assert 'who = "p5"' in files["study/charter.toml"].decode()
    said = json.loads(files[REPORT])
    assert said["ratings"]["unblinded"]["by"] == "p4"
    assert said["signoff"]["objections"] == ["values:v-01: p2 (lawyer) objects: too short"]
    assert [p["accountable"] for p in said["charter"]["positions"]] == [
        {"who": "p5", "contact": "", "nobody": ""},
        None,
    ]


def test_every_number_of_the_report_is_the_studys(packed, finished):
    said = json.loads((finished / "runs/quick/report/report.json").read_text("utf-8"))
    full = json.loads(content(packed())[REPORT])
    for key in said:
        if key not in ("charter", "ratings", "signoff"):
            assert full[key] == said[key], key
    bare = json.loads(content(packed("no-texts"))[REPORT])
    same = ("estimates", "headlines", "models", "toxicity", "capability", "stance", "inputs",
            "cooccurrence", "scorers", "coherence", "sealed", "rounds", "looks")  # fmt: skip
    assert {key: bare[key] for key in same} == {key: said[key] for key in same}
    assert bare["ratings"] == full["ratings"]


def test_what_the_levels_disclose(packed, finished):
    full, bare, shown = (content(packed(one)) for one in ("full", "no-texts", "figures"))
    assert set(full) == set(bare)
    text = (finished / "runs/quick/tiny-model/sample/completions.jsonl").read_text("utf-8")
    assert full[ANSWERS].decode() == text
    first = json.loads(text.splitlines()[0])["text"]
    (line, *_) = bare[ANSWERS].splitlines()
    assert json.loads(line)["text"] == f"{store.digest(first)} ({len(first)} characters)"
    texts = [json.loads(row)["text"] for row in text.splitlines()]
    texts += [row["statement"] for row in store.read_toml(finished / "charter.toml")["positions"]]
    for name in ("prompts", "values", "control", "stance"):
        for _, row in store.read_rows(finished / f"{name}.jsonl"):
            texts += [row[k] for k in ("text", "prompt", "completion", "aligned") if k in row]
    long = [one for one in texts if len(one) > 12]
    assert len(long) > 100
    for files in (bare, shown):
        whole = b"\n".join(files.values()).decode("utf-8", "replace")
        assert [one for one in long if json.dumps(one)[1:-1] in whole] == []
    assert {n.partition("/")[0] for n in shown} == {
        "report", "study", "pack.json", "lines.json", "audit.json", "ro-crate-metadata.json",
    }  # fmt: skip
    assert all(
        n.endswith(("manifest.json", "sealed-plan.json")) for n in shown if n.startswith("study/")
    )
    left = {one["path"]: one for one in json.loads(shown["pack.json"])["left_out"]}
    assert left["values.jsonl"] == {
        "path": "values.jsonl",
        "digest": store.digest_file(finished / "values.jsonl"),
        "why": "figures only",
    }


def test_weights_are_named_by_digest_and_never_inside(packed, finished):
    index = json.loads(content(packed())["pack.json"])
    weights = {one["path"]: one["digest"] for one in index["left_out"] if one["why"] == "weights"}
    adapter = "runs/quick/tiny-model/tune/control-s1/adapter_model.safetensors"
    assert weights[adapter] == store.digest_file(finished / adapter)
    assert not any("adapter" in name or "safetensors" in name for name in content(packed()))
    assert index["base_models"]["tiny-model"].startswith("sha256:")


def test_files_of_people_stand_for_the_studys_own(packed, finished):
    index = json.loads(content(packed())["pack.json"])
    stands = {one["path"]: one["stands_for"] for one in index["files"] if one["stands_for"]}
    assert stands == {f"study/{n}": store.digest_file(finished / n) for n in PEOPLES}
    assert index["changed"] == {}
    assert index["kept"] == []


def test_packing_again_and_elsewhere_gives_the_same_bytes(packed, finished, tmp_path):
    elsewhere = shutil.copytree(finished, tmp_path / "some" / "where")
    again = pack(load_study(elsewhere), out=tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed().read_bytes()
    assert again.digest == store.digest_file(packed())
    assert again.left_out == {"weights": 6}


def test_a_reader_of_ro_crates_reads_it(packed, tmp_path):
    """Oracle: ro-crate-py, the reference library of RO-Crate."""
    for level in ("full", "figures"):
        files = content(packed(level))
        crate = ROCrate(packed(level))
        root = crate.root_dataset
        assert crate.version == "1.3"
        assert root["name"] == "Evidence of the study tiny 1.0.0, preset quick"
        assert root["license"]["@id"] == "https://spdx.org/licenses/Apache-2.0"
        assert len(root["datePublished"]) == 10  # taken from the run, a day
        listed = {entity.id for entity in crate.data_entities}
        assert listed == set(files) - {"ro-crate-metadata.json"}
        answers = crate.dereference(REPORT)
        assert answers["sha256"] == store.digest_bytes(files[REPORT]).removeprefix("sha256:")
        assert answers["contentSize"] == str(len(files[REPORT]))
        assert root["mainEntity"].id == REPORT


def test_a_report_that_is_not_of_now_is_not_packed(finished, tmp_path):
    path = finished / "runs/quick/report/report.json"
    kept = path.read_bytes()
    said = json.loads(kept)
    said["estimates"][0]["value"] = 0.5
    store.write_json(path, said)
    with pytest.raises(DataError, match="not of what there is now: estimates") as caught:
        pack(load_study(finished), out=tmp_path / "x.zip")
    assert "mores report" in str(caught.value.fix)
    path.write_bytes(kept)
    with pytest.raises(DataError, match="command is"):
        pack(load_study(finished, overrides=("toxicity.threshold=0.9",)), out=tmp_path / "x.zip")
    path.unlink()
    with pytest.raises(DataError, match="no report to be packed"):
        pack(load_study(finished), out=tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_a_file_outside_the_folder_is_refused(finished, tmp_path):
    items = tmp_path / "items.jsonl"
    items.write_text('{"text": "x"}\n')
    study = load_study(finished, overrides=(f'gates.choices="{items}"',))
    with pytest.raises(DataError, match="this file of the study lies elsewhere"):
        pack(study, out=tmp_path / "x.zip")


def test_a_sealed_key_stays_where_it_is_and_raters_are_thought_of(finished, tmp_path):
    for name in ("collected.json", "collected.jsonl", "cannot.jsonl", "groups.json", "texts.json"):
        (finished / "runs/quick/ratings" / name).unlink()
    study = load_study(finished)
    report(study)
    packed = pack(study, out=tmp_path / "x.zip")
    assert content(tmp_path / "x.zip")[f"{RUN}/rating/key.jsonl"] == b""
    index = json.loads(content(tmp_path / "x.zip")["pack.json"])
    (entry,) = [one for one in index["files"] if one["path"].endswith("key.jsonl")]
    assert entry["stands_for"] == store.digest_file(finished / "runs/quick/rating/key.jsonl")
    assert "still blind" in packed.notes[0]
    assert verify(tmp_path / "x.zip").differences == ()


def test_the_log_of_the_rating_app_is_checked_before_it_is_packed(finished, tmp_path):
    import sqlite3

    with sqlite3.connect(finished / "runs/quick/rating/ratings.sqlite") as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE audit SET detail = '{}' WHERE number = 2")
    with pytest.raises(DataError, match="the audit log was altered at entry 2"):
        pack(load_study(finished), out=tmp_path / "x.zip")
    assert not Path(tmp_path / "x.zip").exists()
