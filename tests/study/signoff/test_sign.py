"""Signing, changing one's mind, withdrawing; counting; lines that somebody changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores import store
from mores.errors import DataError, StoreError, StudyError
from mores.study import load_study
from mores.study.signoff import sign, sign_off, withdraw
from mores.study.signoff.keys import Signers
from mores.study.signoff.signature import Signature, read_signatures
from mores.study.signoff.state import Fault, stand
from mores.study.signoff.things import Thing

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def put(folder, *what: str, by="A", role="clinician", hours=0, **fields):
    fields = {"checked": ["facts"], **fields}
    return sign(
        load_study(folder), what, by=by, role=role, now=NOW + timedelta(hours=hours), **fields
    )


def states(folder) -> dict[str, str]:
    return {s.what: s.state for s in sign_off(load_study(folder)).things}


def line_of(folder, kind="values") -> str:
    return next(c.line for c in sign_off(load_study(folder)).counts if c.kind == kind)


def edit(folder, name: str, **fields) -> None:
    """Change the first record of a file."""
    path = folder / name
    rows = [row for _, row in store.read_rows(path)]
    store.write_jsonl(path, [{**rows[0], **fields}, *rows[1:]])


def test_a_signature_is_a_line_with_its_own_digest(tiny_study):
    (signed,) = put(tiny_study, "v-00")
    text = (tiny_study / "signatures.jsonl").read_text("utf-8")
    row = json.loads(text)
    assert text.count("\n") == 1
    assert {k: v for k, v in row.items() if k not in ("id", "digest", "content")} == {
        "what": "values:v-00", "by": "A", "role": "clinician", "decision": "accept",
        "checked": ["facts"], "reason": "", "date": "2026-11-27T12:00:00Z", "withdraws": "",
        "signature": "",
    }  # fmt: skip
    filled = {k: v for k, v in row.items() if v and k != "id"}
    bare = json.dumps(filled, sort_keys=True, separators=(",", ":"))
    assert row["id"] == "s-" + store.digest_bytes(bare.encode())[7:23] == signed.id
    assert states(tiny_study)["values:v-00"] == "signed"
    assert list(states(tiny_study).values()).count("signed") == 1


def test_counted_as_the_docs_say(tiny_study):
    put(tiny_study, "values:care", by="Ada", role="clinician")  # v-00, v-02, v-04, v-06
    put(tiny_study, "v-00", by=" ada ", role="Clinician", hours=1)  # the same person
    put(tiny_study, "v-02", by="Ben", role="clinician", decision="reserve", reason="too long")
    put(tiny_study, "v-01", by="Cem", role="attorney", decision="reserve", reason="too short")
    put(tiny_study, "v-03", by="Dee", role="lawyer")
    put(tiny_study, "v-04", by="Eve", role="lawyer", decision="object", reason="not the law")
    edit(tiny_study, "values.jsonl", completion="Something else.")  # v-00
    (count,) = [c for c in sign_off(load_study(tiny_study)).counts if c.kind == "values"]
    # v-01 and v-03 once, v-02 twice, v-06 once; v-04 has an objection; v-00 is stale; v-05, v-07.
    assert store.to_plain(count) == {
        "kind": "values", "total": 8, "signed": 4, "reserved": 1, "objected": 1, "stale": 1,
        "unsigned": 2, "people": 4, "roles": {"clinician": 2, "attorney": 1, "lawyer": 1},
        "line": "4 of 8 samples signed by 4 people (2 clinicians, 1 attorney, 1 lawyer), "
        "1 with reservations only, 1 objected to, 1 stale",
    }  # fmt: skip
    assert line_of(tiny_study, "control") == "0 of 8 control samples signed"


def test_the_line_of_the_issue():
    things = [
        Thing(what=f"values:v-{n}", kind="values", category="c", title="", content=f"{n}")
        for n in range(80)
    ]

    def line(n: int, by: str, role: str, old: bool) -> Signature:
        thing = things[n] if not old else Thing(**{**store.to_plain(things[n]), "content": "old"})
        made = Signature(
            id="-", what=thing.what, digest=thing.digest, content=thing.content, by=by, role=role,
            decision="accept", checked=("all",), date="2026-11-27T12:00:00Z",
        )  # fmt: skip
        return store.as_record({**store.to_plain(made), "id": made.own_id}, Signature)

    roles = {"Ada": "clinician", "Ben": "clinician", "Cem": "lawyer"}
    lines = [line(n, by, roles[by], n >= 72) for n in range(80) for by in roles]
    assert stand(things, lines, Signers()).lines == (
        "72 of 80 samples signed by 3 people (2 clinicians, 1 lawyer), 8 stale",
    )


def test_what_is_sent_twice_is_there_once(tiny_study):
    assert put(tiny_study, "v-00") == put(tiny_study, "v-00")
    put(tiny_study, "values")
    assert len(read_signatures(tiny_study)) == 8


def test_the_last_word_of_a_person_counts(tiny_study):
    put(tiny_study, "v-00")
    put(tiny_study, "v-00", decision="object", reason="wrong", hours=1)
    assert states(tiny_study)["values:v-00"] == "objected"
    put(tiny_study, "v-00", hours=2)
    assert states(tiny_study)["values:v-00"] == "signed"
    assert len(read_signatures(tiny_study)) == 3
    put(tiny_study, "v-00", by="B", decision="object", reason="wrong", hours=2)
    assert states(tiny_study)["values:v-00"] == "objected"


def test_withdrawing_is_a_new_line_that_takes_back_all_that_was_said(tiny_study):
    put(tiny_study, "v-00")
    (second,) = put(tiny_study, "v-00", decision="object", reason="wrong", hours=1)
    study = load_study(tiny_study)
    before = (tiny_study / "signatures.jsonl").read_bytes()
    (line,) = withdraw(study, ["values"], by="a", reason="misread", now=NOW + timedelta(hours=2))
    assert (line.what, line.withdraws, line.role) == ("values:v-00", second.id, "clinician")
    assert (tiny_study / "signatures.jsonl").read_bytes().startswith(before)
    assert states(tiny_study)["values:v-00"] == "unsigned"
    assert sign_off(study).faults == ()
    with pytest.raises(StudyError, match="'A' has no signature on v-00"):
        withdraw(study, ["v-00"], by="A", reason="again", now=NOW)
    put(tiny_study, "v-00", hours=3)
    (again,) = withdraw(
        study, [put(tiny_study, "v-01", hours=3)[0].id], by="A", reason="r", now=NOW
    )
    assert again.what == "values:v-01"
    assert states(tiny_study)["values:v-00"] == "signed"


def test_nobody_withdraws_for_another(tiny_study):
    (line,) = put(tiny_study, "v-00")
    for name in ("v-00", line.id):
        with pytest.raises(StudyError, match=r"no signature on|nothing called"):
            withdraw(load_study(tiny_study), [name], by="B", reason="r", now=NOW)
    with pytest.raises(StudyError, match="needs a reason"):
        withdraw(load_study(tiny_study), ["v-00"], by="A", reason=" ", now=NOW)
    assert len(read_signatures(tiny_study)) == 1


def test_what_is_gone_is_named_and_can_be_withdrawn(tiny_study):
    put(tiny_study, "v-00")
    edit(tiny_study, "values.jsonl", id="v-99")
    assert sign_off(load_study(tiny_study)).gone == ("values:v-00",)
    assert states(tiny_study)["values:v-99"] == "unsigned"
    withdraw(load_study(tiny_study), ["values:v-00"], by="A", reason="gone", now=NOW)
    assert sign_off(load_study(tiny_study)).gone == ()


def test_stale_says_whether_it_or_its_position_changed(tiny_study):
    put(tiny_study, "v-00", "v-02")
    edit(tiny_study, "values.jsonl", prompt="Why not?")
    path = tiny_study / "charter.toml"
    path.write_text(path.read_text("utf-8").replace("do not blame", "never blame"), "utf-8")
    found = {s.what: s for s in sign_off(load_study(tiny_study)).things}
    assert found["values:v-00"].signatures[0].stale == "it has changed"
    assert found["values:v-02"].signatures[0].stale == (
        "the position that it was written under has changed"
    )
    path.write_text(path.read_text("utf-8").replace("never blame", "do not blame"), "utf-8")
    assert states(tiny_study)["values:v-02"] == "signed"  # what was signed is there again


def test_what_changed_since_it_was_seen_is_not_signed(tiny_study):
    study = load_study(tiny_study)
    seen = {s.what: s.digest for s in sign_off(study).things if s.kind == "values"}
    edit(tiny_study, "values.jsonl", completion="Something else.")
    common = {"by": "A", "role": "clinician", "checked": "facts", "now": NOW}
    with pytest.raises(
        StudyError, match="values:v-00 changed since you saw it; nothing was signed"
    ):
        sign(load_study(tiny_study), seen, **common)
    assert not (tiny_study / "signatures.jsonl").exists()
    with pytest.raises(StudyError, match="values:v-00 changed"):
        sign(study, seen, **common)  # which has read its files before they changed
    del seen["values:v-00"]
    assert len(sign(load_study(tiny_study), seen, **common)) == 7


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"by": " "}, "1 to 200 characters on one line"),
        ({"by": "A\nB"}, "on one line"),
        ({"by": "A" * 201}, "1 to 200 characters"),
        ({"role": ""}, "field `role`"),
        ({"checked": [" "]}, "say what was checked"),
        ({"decision": "object"}, "'object' needs a reason"),
        ({"decision": "reserve"}, "'reserve' needs a reason"),
        ({"decision": "agree"}, "Invalid enum value 'agree'"),
        ({"what": []}, "nothing was named"),
        ({"what": ["v-00", "nothing"]}, "nothing called 'nothing'"),
    ],
)
def test_what_a_signature_needs(tiny_study, fields, words):
    good = {"what": ["v-00"], "by": "A", "role": "r", "checked": ["c"], "now": NOW}
    with pytest.raises(StudyError) as caught:
        sign(load_study(tiny_study), **{**good, **fields})
    assert words in str(caught.value)
    assert not (tiny_study / "signatures.jsonl").exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("by", "B"), ("role", "owner"), ("decision", "reserve"), ("checked", ["nothing"]),
        ("date", "2027-01-01T00:00:00Z"), ("digest", "sha256:0"), ("what", "values:v-01"),
        ("id", "s-0000000000000000"), ("reason", "x"),
    ],
)  # fmt: skip
def test_a_changed_line_counts_for_nothing_and_is_named(tiny_study, field, value):
    put(tiny_study, "v-00", reason="r", decision="accept")
    put(tiny_study, "v-02")
    edit(tiny_study, "signatures.jsonl", **{field: value})
    found = sign_off(load_study(tiny_study))
    (fault,) = found.faults
    assert (fault.line, fault.why) == (
        1, "the line was changed since it was signed: its id is that of another"
    )  # fmt: skip
    assert [s.what for s in found.things if s.state == "signed"] == ["values:v-02"]


def test_a_line_twice_and_a_withdrawal_of_nothing(tiny_study):
    (line,) = put(tiny_study, "v-00")
    path = tiny_study / "signatures.jsonl"
    path.write_bytes(path.read_bytes() * 2)
    assert sign_off(load_study(tiny_study)).faults == (
        Fault(line=2, what="values:v-00", by="A", why="the same line was there before"),
    )
    (back,) = withdraw(load_study(tiny_study), ["v-00"], by="A", reason="r", now=NOW)
    store.write_jsonl(path, [back, line])  # out of order: it withdraws what comes later
    (fault,) = sign_off(load_study(tiny_study)).faults
    assert (fault.line, fault.why) == (
        1, f"withdraws {line.id!r}, which is not among the lines before it"
    )  # fmt: skip
    assert states(tiny_study)["values:v-00"] == "signed"


def test_lines_of_two_copies_can_be_put_together(tiny_study):
    path = tiny_study / "signatures.jsonl"
    put(tiny_study, "v-00", "v-02")
    one = path.read_text("utf-8")
    path.unlink()
    put(tiny_study, "v-00", by="B", role="lawyer", decision="object", reason="r")
    other = path.read_text("utf-8")
    found = []
    for text in (one + other, other + one):
        path.write_text(text, encoding="utf-8")
        found.append(states(tiny_study))
    assert found[0] == found[1]
    assert (found[0]["values:v-00"], found[0]["values:v-02"]) == ("objected", "signed")


def test_a_file_without_a_last_line_feed_loses_nothing(tiny_study):
    path = tiny_study / "signatures.jsonl"
    put(tiny_study, "v-00")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    put(tiny_study, "v-02")
    assert [line.what for line in read_signatures(tiny_study)] == ["values:v-00", "values:v-02"]


def test_a_line_that_is_none_is_named_and_nothing_is_added(tiny_study):
    path = tiny_study / "signatures.jsonl"
    put(tiny_study, "v-00")
    path.write_text(path.read_text("utf-8") + '{"id": "s-1", "wat": 1}\n', encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(DataError, match=r"signatures.jsonl:2 .*unknown field 'wat'"):
        put(tiny_study, "v-02")
    assert path.read_bytes() == before


def test_two_who_sign_at_once(tiny_study, monkeypatch):
    from mores.study.signoff import sign as room

    monkeypatch.setattr("mores.store.held", _held_by_another)
    with pytest.raises(StoreError, match="somebody else is signing here"):
        put(tiny_study, "v-00")
    assert room is not None
    assert not (tiny_study / "signatures.jsonl").exists()


def _held_by_another(path, busy, **_):
    raise StoreError(busy, path=path)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("AB"),
            st.sampled_from(["values:v-0", "values:v-1"]),
            st.sampled_from(["accept", "reserve", "object", "withdraw"]),
        ),
        max_size=8,
    )
)
def test_states_follow_a_plain_replay(script):
    """Against a dictionary that each line is written into, in order."""
    things = [
        Thing(what=f"values:v-{n}", kind="values", category="c", title="", content=f"{n}")
        for n in range(2)
    ]
    said: dict[tuple[str, str], str] = {}
    lines: list[Signature] = []
    for number, (by, what, decision) in enumerate(script):
        last = next((s for s in reversed(lines) if (s.by, s.what) == (by, what)), None)
        if decision == "withdraw" and (last is None or (what, by) not in said):
            continue
        thing = things[int(what[-1])]
        made = Signature(
            id="-", what=what, digest=thing.digest, content=thing.content, by=by, role="r",
            decision=decision, checked=("x",), reason="y", date=f"2026-11-27T12:00:{number:02d}Z",
            withdraws=last.id if decision == "withdraw" and last else "",
        )  # fmt: skip
        lines.append(store.as_record({**store.to_plain(made), "id": made.own_id}, Signature))
        if decision == "withdraw":
            del said[what, by]
        else:
            said[what, by] = decision
    found = stand(things, lines, Signers())
    assert found.faults == ()
    for state in found.things:
        own = {d for (what, _), d in said.items() if what == state.what}
        wanted = "objected" if "object" in own else "signed" if own else "unsigned"
        assert state.state == wanted
