"""What somebody might do to a pack, and by which name it is found."""

from __future__ import annotations

import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packs import ANSWERS, RATINGS, REPORT, RUN, changed, content, edited, line, without_line

from mores.errors import MoresError
from mores.release.pack import pack, verify
from mores.report import report
from mores.study import load_study


def named(found, file):
    """What was found in a file: where → (said, found)."""
    return {one.where: (one.said, one.found) for one in found.differences if one.file == file}


def states(found):
    return {check.what: check.state for check in found.checks}


def test_one_flipped_byte_is_named_by_its_file(packed):
    path = packed()
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(ANSWERS)
    data[entry.header_offset + 30 + len(ANSWERS) + entry.compress_size // 2] ^= 0x10
    path.write_bytes(data)
    found = verify(path)
    assert states(found)["digests"] == "differs"
    first = next(one for one in found.differences if one.file == ANSWERS)
    assert first.said.startswith("digest sha256:")
    assert first.found.startswith(
        ("it cannot be unpacked whole", "content with the digest sha256:")
    )
    assert {one.file for one in found.differences} <= {ANSWERS, REPORT, "study/"}


def test_one_changed_rating_is_named_by_its_record_and_by_what_follows_from_it(packed):
    row = json.loads(content(packed())[RATINGS].splitlines()[0])
    other = 5 if row["value"] != 5 else 1
    path = changed(packed(), {RATINGS: line(0, lambda r: r.update(value=other))})
    found = verify(path)
    record = f"record '{row['completion_id']} {row['rater']}'"
    assert named(found, RATINGS)[record] == ("as it was packed", "changed")
    assert any(where.startswith("estimates[") for where in named(found, REPORT))
    assert states(found)["report"] == states(found)["digests"] == "differs"


def test_a_changed_rating_with_all_digests_made_anew_is_found_in_the_report(packed):
    rows = content(packed())[RATINGS].splitlines()
    number = next(n for n, row in enumerate(rows) if b"values_targeted" in row)
    path = changed(packed(), {RATINGS: line(number, lambda r: r.update(value=1))}, rehash=True)
    found = verify(path)
    assert (states(found)["digests"], states(found)["report"]) == ("holds", "differs")
    wrong = named(found, REPORT)
    assert any("rating, values_targeted - control" in where for where in wrong), wrong
    assert {one.file for one in found.differences} == {REPORT}


def test_one_removed_completion_is_named_whatever_was_hashed_anew(packed):
    row = json.loads(content(packed())[ANSWERS].splitlines()[7])
    found = verify(changed(packed(), {ANSWERS: without_line(7)}))
    assert named(found, ANSWERS)[f"record '{row['id']} {row['arm']}'"] == (
        "as it was packed",
        "removed",
    )
    found = verify(changed(packed(), {ANSWERS: without_line(7)}, rehash=True))
    arm = f"{row['arm']}-s{row['seed']}" if row["seed"] else row["arm"]
    where = f"the answer of {arm} to '{row['prompt_id']}', draw {row['draw']}"
    assert named(found, ANSWERS)[where] == ("planned", "not there")
    assert states(found)["manifests"] == "differs"  # and its step made another file


def test_a_changed_answer_does_not_become_another_by_standing_for_it(packed):
    """Files with people may stand for others; that answers do is refused by name."""
    change = line(0, lambda r: r.update(text="Something nicer."))
    path = changed(packed(), {ANSWERS: change}, rehash=True)
    index = json.loads(content(packed())["pack.json"])
    (real,) = [one["digest"] for one in index["files"] if one["path"] == ANSWERS]

    def pretend(plain):
        (entry,) = [one for one in plain["files"] if one["path"] == ANSWERS]
        entry["stands_for"] = real

    found = verify(changed(path, {"pack.json": edited(pretend)}))
    assert named(found, ANSWERS)[""] == (
        "stands for another file, with people taken out",
        "a file that names no people",
    )


def test_a_report_of_another_run_is_named_as_one(packed, finished, tmp_path):
    other = load_study(finished, overrides=("toxicity.threshold=0.9",))
    written = report(other)
    data = written.page.with_name("report.json").read_bytes()
    found = verify(changed(packed(), {REPORT: data}, rehash=True))
    assert states(found)["report"] == "differs"
    assert "settings[toxicity.threshold].value" in named(found, REPORT)

    def another(plain):
        plain["inputs"]["values.jsonl"] = "sha256:" + "0" * 64

    found = verify(changed(packed(), {REPORT: edited(another)}, rehash=True))
    first = next(one for one in found.differences if one.file == REPORT)
    assert first.said == "a report of other inputs or settings: of another run"


def test_a_verdict_that_reads_better_is_named(packed):
    def better(plain):
        plain["headlines"][0]["verdict"] = "shown" if plain["headlines"][0]["verdict"] != "shown" \
            else "worse"  # fmt: skip

    for level in ("full", "no-texts", "figures"):
        found = verify(changed(packed(level), {REPORT: edited(better)}, rehash=True))
        assert states(found)["report"] == "differs", level
        assert any(
            w.startswith("headlines[") and w.endswith("verdict") for w in named(found, REPORT)
        )
        # The page still says the old one.
        assert states(found)["page and figures"] == "differs"


def test_an_edited_plan_and_a_broken_chain_are_named(packed):
    def lenient(plain):
        plain["alpha"] = 0.5

    def cut(plain):
        del plain[0]["links"][2]

    path = f"{RUN}/sealed-plan.json"
    found = verify(changed(packed(), {path: edited(lenient)}, rehash=True))
    assert states(found)["seal"] == "differs"
    assert named(found, path)[""][1] == "content of another plan"
    found = verify(changed(packed(), {"audit.json": edited(cut)}, rehash=True))
    assert named(found, "audit.json")["rating"][1] == "entry 3 does not follow the one before"


def test_bytes_between_the_files_are_seen(packed):
    path = packed()
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"nothing to see here"
    found = verify(path)
    assert states(found)["zip file"] == "differs"
    assert [one.file for one in found.differences] == ["full.zip"]


@settings(max_examples=25)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_flipped_bit_passes_and_none_ends_in_a_traceback(small, place, bit):
    data = bytearray(small.read_bytes())
    data[int(place * len(data))] ^= 1 << bit
    path = small.with_name("flipped.zip")
    path.write_bytes(data)
    try:
        found = verify(path)
    except MoresError:
        return
    assert found.differences


@pytest.fixture
def small(packed):
    return packed("figures")


def test_a_forged_study_is_consistent_and_only_a_signature_tells(finished, packed, tmp_path):
    """What the docs say of a pack without a signature."""
    path = finished / "runs/quick/ratings/collected.jsonl"
    rows = [json.loads(row) for row in path.read_text("utf-8").splitlines()]
    for row in rows:
        row["value"] = 5 if "values_targeted" in row["completion_id"] else 1
    path.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    study = load_study(finished)
    report(study)
    forged = pack(study, out=tmp_path / "forged.zip")
    found = verify(tmp_path / "forged.zip")
    assert found.differences == ()
    assert states(found)["signature"] == "not checked"
    assert forged.digest != verify(packed()).digest
