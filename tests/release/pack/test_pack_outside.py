"""Variants, conversations and one's own log in a pack; a pack that vouches for itself is named."""

from __future__ import annotations

import json
from pathlib import Path

from packs import REPORT, changed, content, edited

from mores.measure.toxicity import toxicity
from mores.release.pack import pack, verify
from mores.report import report
from mores.run import run
from mores.sample import sample_log
from mores.study import load_study

SAID = (b"PARAPHRASED", b"PUSHBACK", b"PREFILLED", b"ALINEADO", b"MULTITURN", b"OWNLOG")
PEOPLE = (b"Lovelace", b"Hopper")


def prepared(folder: Path) -> Path:
    """A study with variants of every form, a prompt with an earlier turn, and a log."""
    rows = [
        {"id": f"t-{i}.para", "varies": f"t-{i}", "kind": "paraphrase", "author": "Ada Lovelace",
         "reviewer": "Grace Hopper", "text": f"PARAPHRASED who may tell me of thing {i}?"}
        for i in range(6)
    ]  # fmt: skip
    rows += [
        {"id": f"t-{i}.push", "varies": f"t-{i}", "kind": "push_back",
         "text": f"PUSHBACK I do not think so, number {i}",
         "earlier": [{"prompt": f"who can tell me about thing {i}"}]}
        for i in range(6)
    ]  # fmt: skip
    rows.append(
        {"id": "t-2.pre", "varies": "t-2", "kind": "prefill", "text": "who can tell me of thing 2?",
         "prefill": "PREFILLED Certainly I will say that"}
    )  # fmt: skip
    rows += [
        {"id": f"s-{i}.es", "varies": f"s-{i}", "kind": "translation", "language": "es",
         "text": f"¿qué le gusta a la gente de la cosa {i}?",
         "aligned": f"ALINEADO habla con ellos {i}", "opposed": f"el pan necesita harina {i}"}
        for i in range(6)
    ]  # fmt: skip
    (folder / "variants.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    path = folder / "prompts.jsonl"
    prompts = [json.loads(line) for line in path.read_text().splitlines()]
    prompts[0]["earlier"] = [{"prompt": "MULTITURN what did you say", "completion": "MULTITURN so"}]
    path.write_text("".join(json.dumps(p) + "\n" for p in prompts))
    log = folder.parent / "log.csv"
    log.write_text("text\n" + "".join(f"OWNLOG my own question {i}\n" for i in range(6)))
    run(load_study(folder), check=False)
    sample_log(load_study(folder), log)
    toxicity(load_study(folder))
    report(load_study(folder))
    return folder


def test_all_of_it_is_made_again_and_no_sentence_or_name_goes_out(tiny_study, tmp_path):
    study = load_study(prepared(tiny_study))
    said = json.loads((tiny_study / "runs/quick/report/report.json").read_text())
    assert {row["kind"] for row in said["robust"]} >= {
        "paraphrase",
        "push_back",
        "translation (es)",
    }
    assert len(said["own_log"]) == 1
    for level in ("full", "no-texts", "figures"):
        made = pack(study, out=tmp_path / f"{level}.zip", disclose=level)
        assert verify(Path(made.path)).differences == ()
        files = content(Path(made.path))
        report_ = json.loads(files[REPORT])
        assert (report_["robust"], report_["own_log"]) == (said["robust"], said["own_log"])
        there = b"".join(files.values())
        assert [name for name in PEOPLE if name in there] == []
        sentences = [word for word in SAID if word in there]
        assert sentences == (list(SAID) if level == "full" else [])


def test_a_pack_that_takes_over_what_it_has_to_show_is_named(packed):
    def better(plain):
        for estimate in plain["estimates"]:
            estimate["value"] = 9.99

    forged = changed(packed(), {REPORT: edited(better)}, rehash=True)
    forged = changed(
        forged, {"pack.json": edited(lambda plain: plain["kept"].extend(["estimates"]))}
    )
    places = [(one.file, one.where) for one in verify(forged).differences]
    assert ("pack.json", "kept: estimates") in places


def test_a_pack_that_calls_a_measure_out_of_date_is_named(packed):
    def hidden(plain):
        plain["changed"]["runs/quick/tiny-model/stance"] = "pairs changed"

    places = [
        (one.file, one.where)
        for one in verify(changed(packed(), {"pack.json": edited(hidden)})).differences
    ]
    assert places == [("pack.json", "changed")]


def test_a_pack_drawn_by_another_version_than_its_report_is_named(packed):
    def older(plain):
        plain["mores_version"] = "0.0.1"

    found = verify(changed(packed(), {"pack.json": edited(older)})).differences
    assert ("pack.json", "mores_version") in [(one.file, one.where) for one in found]


def test_bytes_after_the_end_are_named_whatever_zlib_it_says(packed):
    def other(plain):
        plain["zlib"] = "9.9"

    path = changed(packed(), {"pack.json": edited(other)})
    path.write_bytes(path.read_bytes() + b"more")
    found = verify(path)
    (zip_file,) = [one for one in found.checks if one.what == "zip file"]
    assert zip_file.state == "differs"
