"""An author writes, a reviewer asks for changes, an owner accepts: through the app's own forms."""

from __future__ import annotations

import json

from visitors import SAMPLE, Desk, lines

from mores.study.complaints import read_complaints


def draft_of(answer):
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("draft=")[2].partition("&")[0]


def test_a_sample_from_first_words_to_the_file(desk: Desk) -> None:
    ada, rob, olga = (
        desk.come("author", "Ada"),
        desk.come("reviewer", "Rob"),
        desk.come("owner", "Olga"),
    )
    before = (desk.folder / "values.jsonl").read_text()
    sent = ada.fill("/new/values", "/new/values", id="v-care-3", deed="save", **SAMPLE)
    number = draft_of(sent)
    page = f"/records/values/v-care-3?draft={number}"
    assert "waits for a reader" in ada.get(page).text
    assert (desk.folder / "values.jsonl").read_text() == before  # files stay as they are

    asked = {"draft": number, "verdict": "changes", "text": "Say what to do when nobody opens."}
    answer = rob.fill(page, "/review/values/v-care-3", **asked)
    assert answer.status_code == 303
    assert "changes asked for" in ada.get(page).text
    assert "Say what to do when nobody opens." in ada.get(page).text

    longer = SAMPLE["completion"] + " If nobody opens, call somebody who has a key."
    edit = "/edit/values/v-care-3"
    number = draft_of(ada.fill(edit, edit, **{**SAMPLE, "completion": longer, "deed": "save"}))
    page = f"/records/values/v-care-3?draft={number}"
    rob.fill(page, "/review/values/v-care-3", draft=number, verdict="fine", text="Read it.")
    done = olga.fill(page, "/decide/values/v-care-3", draft=number, verdict="accepted")
    assert done.status_code == 303, done.text

    after = (desk.folder / "values.jsonl").read_text()
    assert after.startswith(before)  # every other line as it was, byte for byte
    assert lines(desk.folder / "values.jsonl")[-1] == {
        **SAMPLE,
        "id": "v-care-3",
        "completion": longer,
        "author": "Ada",
        "reviewer": "Rob",
        "accepted": "2026-11-27",
    }
    assert "in the study’s file" in olga.get(page).text


def test_looking_saves_nothing_and_says_what_the_check_says(desk: Desk) -> None:
    ada = desk.come("author")
    short = {**SAMPLE, "completion": "Knock. Write to me at ada.smith@mail-host.org."}
    answer = ada.fill("/new/values", "/new/values", id="v-9", deed="look", **short)
    assert answer.status_code == 200
    assert "M503" in answer.text  # an address that tells who somebody is
    assert "Knock." in answer.text  # what was typed is in the form
    with desk.site.database.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 0


def test_what_is_missing_or_wrong_is_said_and_nothing_typed_is_lost(desk: Desk) -> None:
    ada = desk.come("author")
    for wrong, words in (
        ({"id": "a b"}, "A name of letters"),
        ({"id": "v-care-1"}, "This name is taken"),
        ({"id": "v-9", "category": "no"}, "Please choose a position"),
        ({"id": "v-9", "prompt": " "}, "Please fill in what is marked"),
    ):
        fields = {**SAMPLE, "deed": "save", **wrong}
        answer = ada.fill("/new/values", "/new/values", **fields)
        assert answer.status_code == 400
        assert words in answer.text
        assert SAMPLE["completion"][:40] in answer.text


def test_sending_a_form_twice_saves_once_and_other_words_are_refused(desk: Desk) -> None:
    ada = desk.come("author")
    hidden = ada.form("/new/values", "/new/values")
    sent = {**hidden, **SAMPLE, "id": "v-9", "deed": "save"}
    first, second = ada.submit("/new/values", sent), ada.submit("/new/values", sent)
    assert first.headers["location"] == second.headers["location"]
    other = ada.submit("/new/values", {**sent, "prompt": "Another one?"})
    assert other.status_code == 409
    assert "Another one?" in other.text  # shown again, to be copied
    with desk.site.database.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM entry").scalar() == 1


def test_nobody_reviews_their_own_draft(desk: Desk) -> None:
    olga = desk.come("owner", "Olga")
    sent = olga.fill("/new/values", "/new/values", id="v-9", deed="save", **SAMPLE)
    number = draft_of(sent)
    key = olga.form(f"/records/values/v-9?draft={number}", "/comment/values/v-9")["key"]
    answer = olga.submit("/review/values/v-9", key=key, draft=number, verdict="fine", text="")
    assert answer.status_code == 400


def test_a_change_made_outside_is_put_together_or_shown(desk: Desk) -> None:
    ada, olga = desk.come("author"), desk.come("owner", "Olga")
    path = desk.folder / "values.jsonl"
    rows = lines(path)
    edit = "/edit/values/v-care-1"
    mine = {**rows[0], "prompt": "Ada’s question, another than before?"}
    number = draft_of(ada.fill(edit, edit, deed="save", **mine))
    page = f"/records/values/v-care-1?draft={number}"

    # An editor outside changes another field: both changes stand.
    rows[0]["completion"] = "From outside. " + rows[0]["completion"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = olga.fill(page, "/decide/values/v-care-1", draft=number, verdict="accepted")
    assert done.status_code == 303, done.text
    first = lines(path)[0]
    assert first["prompt"] == mine["prompt"]
    assert first["completion"].startswith("From outside.")

    # The same field: nothing is written before the owner has chosen.
    again = {**lines(path)[0], "prompt": "Ada’s second question?"}
    number = draft_of(ada.fill(edit, edit, deed="save", **again))
    page = f"/records/values/v-care-1?draft={number}"
    rows = lines(path)
    rows[0]["prompt"] = "A question from outside?"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    held = path.read_bytes()
    refused = olga.fill(page, "/decide/values/v-care-1", draft=number, verdict="accepted")
    assert refused.status_code == 409
    assert "A question from outside?" in refused.text
    assert "Ada’s second question?" in refused.text
    assert path.read_bytes() == held
    kept = olga.fill(
        page, "/decide/values/v-care-1", draft=number, verdict="accepted", keep_prompt="file"
    )
    assert kept.status_code == 303
    assert lines(path)[0]["prompt"] == "A question from outside?"


def test_two_owners_at_once(desk: Desk) -> None:
    ada, olga, otto = desk.come("author"), desk.come("owner", "Olga"), desk.come("owner", "Otto")
    number = draft_of(ada.fill("/new/values", "/new/values", id="v-9", deed="save", **SAMPLE))
    page, action = f"/records/values/v-9?draft={number}", "/decide/values/v-9"
    both = [{**me.form(page, action), "draft": number} for me in (olga, otto)]
    assert olga.submit(action, {**both[0], "verdict": "accepted"}).status_code == 303
    after = (desk.folder / "values.jsonl").read_bytes()
    second = otto.submit(action, {**both[1], "verdict": "declined", "text": "No."})
    assert second.status_code == 409
    assert "decided on this draft meanwhile" in second.text
    assert (desk.folder / "values.jsonl").read_bytes() == after


def test_a_file_that_no_longer_parses(desk: Desk) -> None:
    ada, olga = desk.come("author"), desk.come("owner", "Olga")
    sent = ada.fill("/new/values", "/new/values", id="v-9", deed="save", **SAMPLE)
    number = draft_of(sent)
    page = f"/records/values/v-9?draft={number}"
    path = desk.folder / "values.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    shown = olga.get("/desk")
    assert shown.status_code == 200
    assert "cannot be read just now" in shown.text
    assert "values.jsonl" in shown.text
    refused = olga.fill(page, "/decide/values/v-9", draft=number, verdict="accepted")
    assert refused.status_code == 409
    assert path.read_bytes() == whole[:-40]
    path.write_bytes(whole)
    assert "cannot be read just now" not in olga.get("/desk").text
    done = olga.fill(page, "/decide/values/v-9", draft=number, verdict="accepted")
    assert done.status_code == 303


def test_a_link_withdrawn_mid_form_shows_what_was_written(desk: Desk) -> None:
    rob, olga = desk.come("reviewer", "Rob"), desk.come("owner", "Olga")
    page, action = "/records/values/v-care-1", "/comment/values/v-care-1"
    hidden = rob.form(page, action)
    with desk.site.database.read() as tx:
        query = "SELECT id FROM invite WHERE kind = 'reviewer'"
        link = tx.exec_driver_sql(query).scalar()
    assert olga.submit("/people/revoke", invite=link).status_code == 303
    answer = rob.submit(action, {**hidden, "text": "An hour of thought <b>bold</b>."})
    assert answer.status_code == 401
    assert "An hour of thought &lt;b&gt;bold&lt;/b&gt;." in answer.text
    assert rob.get(page).status_code == 401


def test_who_is_forgotten_leaves_no_words(desk: Desk) -> None:
    rob, olga = desk.come("reviewer", "Rob"), desk.come("owner", "Olga")
    page, action = "/records/values/v-care-1", "/comment/values/v-care-1"
    rob.fill(page, action, text="A remark that names somebody.")
    assert "A remark that names somebody." in olga.get(page).text
    assert olga.submit("/people/forget", person=rob.id).status_code == 303
    shown = olga.get(page).text
    assert "A remark that names somebody." not in shown
    assert "Rob" not in shown
    assert rob.get(page).status_code == 401


def test_a_complaint_is_screened_assigned_answered_and_closed(desk: Desk) -> None:
    ada, olga = desk.come("author"), desk.come("owner", "Olga")
    told = {"question": "Is it my fault?", "answer": "Yes.", "expected": "No.", "category": "care"}
    personal = {**told, "question": "Call me: ada.smith@mail-host.org"}
    held = ada.fill("/complain", "/complain", **personal)
    assert held.status_code == 200
    assert "This looks personal" in held.text
    sent = ada.fill("/complain", "/complain", **told)
    where = sent.headers["location"]
    assert olga.get(where).status_code == 200
    for deed, words in (
        ("assigned", "To Dr. Lee."),
        ("answered", "It was wrong."),
        ("closed", "v-9"),
    ):
        assert olga.fill(where, where, deed=deed, text=words).status_code == 303
        assert words in ada.get(where).text
    assert ">closed<" in ada.get("/cases").text
    assert [one.state for one in read_complaints(desk.site.shelf.content().study)] == ["closed"]
    with desk.site.database.read() as tx:
        logged = tx.exec_driver_sql("SELECT action FROM audit ORDER BY number").scalars().all()
    assert logged[-4:] == ["complain", "case", "case", "case"]
    assert olga.submit(where, deed="deleted").status_code == 303
    assert olga.get(where).status_code == 404
    assert read_complaints(desk.site.shelf.content().study) == []
    with desk.site.database.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM words").scalar() == 0


def test_hostile_texts_are_inert(desk: Desk) -> None:
    ada, olga = desk.come("author", '<script>alert("a")</script>'), desk.come("owner", "Olga")
    evil = '</textarea><script>alert(1)</script>\u202e" onfocus="x'
    sample = {**SAMPLE, "prompt": evil, "completion": evil + " word" * 60}
    number = draft_of(ada.fill("/new/values", "/new/values", id="v-9", deed="save", **sample))
    for page in (f"/records/values/v-9?draft={number}", "/records/values", "/drafts", "/people"):
        text = olga.get(page).text
        assert "<script>alert" not in text
        assert 'onfocus="x' not in text.replace("&#34;", "'")
    assert "<script>alert" not in ada.get("/edit/values/v-9").text
