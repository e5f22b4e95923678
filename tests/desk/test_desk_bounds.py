"""Where the desk must not give way: who has left, late reviews, files that changed, odd forms."""

from __future__ import annotations

import json

import pytest
from test_desk_consult import CONSULT, answer, take_part
from test_desk_flow import draft_of
from visitors import SAMPLE, Desk, lines

from mores.consult import read_answers


def refused(desk: Desk, link: str) -> int:
    """What a link says to a stranger."""
    return int(desk.visitor().get(f"/l/{link}").status_code)


def test_no_thank_you_can_be_thought_better_of(plain_desk: Desk) -> None:
    (plain_desk.folder / "consult.toml").write_text(CONSULT, "utf-8")
    link = plain_desk.link("participant", "guest")
    first = plain_desk.come("participant", link=link)
    first.fill("/begin", "/begin", decision="no")
    again = plain_desk.come("participant", link=link)
    again.fill("/begin", "/begin", decision="agree")
    assert answer(again, "s-care", "agree").status_code == 303
    plain_desk.come("owner").submit("/consult/write")
    told = read_answers(plain_desk.site.shelf.content().study)
    assert [(v.statement, v.choice) for v in told.votes] == [("s-care", "agree")]


def test_who_left_or_was_forgotten_does_not_come_back_by_the_link(plain_desk: Desk) -> None:
    (plain_desk.folder / "consult.toml").write_text(CONSULT, "utf-8")
    olga, guest = plain_desk.come("owner"), take_part(plain_desk)
    answer(guest, "s-care", "agree", why="My words.", quote="yes")
    olga.submit("/consult/write")
    olga.submit("/log/backup")
    guest.fill("/leave", "/leave")
    assert refused(plain_desk, guest.link) == 403
    rob = plain_desk.come("reviewer", "Rob")
    olga.submit("/people/forget", person=rob.id)
    assert refused(plain_desk, rob.link) == 403
    assert "Rob" not in olga.get("/people").text
    kept = (plain_desk.folder / "consult" / "votes.jsonl").read_text()
    assert "My words." not in kept  # nor does the study's file keep what was taken back
    (copy,) = plain_desk.site.backups.glob("backup-*.tar")
    assert b"My words." not in copy.read_bytes()


def test_answers_go_out_under_a_name_that_no_page_shows(plain_desk: Desk) -> None:
    (plain_desk.folder / "consult.toml").write_text(CONSULT, "utf-8")
    guest, olga = take_part(plain_desk), plain_desk.come("owner")
    answer(guest, "s-care", "agree")
    olga.submit("/consult/write")
    (told,) = read_answers(plain_desk.site.shelf.content().study).participants
    assert told.id != guest.id
    for page in ("/people", "/log", "/consult"):
        assert told.id not in olga.get(page).text


def test_a_reworded_statement_is_asked_again(plain_desk: Desk) -> None:
    path = plain_desk.folder / "consult.toml"
    path.write_text(CONSULT, "utf-8")
    guest = take_part(plain_desk)
    answer(guest, "s-care", "agree")
    answer(guest, "s-truth", "agree")
    assert guest.get("/vote").status_code == 303
    path.write_text(CONSULT.replace("always name a help line", "name a help line if asked"))
    assert "name a help line if asked" in guest.get("/vote").text


def test_decided_is_decided(plain_desk: Desk) -> None:
    ada, rob, olga = (plain_desk.come(role, role) for role in ("author", "reviewer", "owner"))
    number = draft_of(ada.fill("/new/values", "/new/values", id="v-9", deed="save", **SAMPLE))
    page, action = f"/records/values/v-9?draft={number}", "/decide/values/v-9"
    before = (plain_desk.folder / "values.jsonl").read_bytes()
    assert olga.fill(page, action, text="hm").status_code == 400  # no verdict is no acceptance
    assert (plain_desk.folder / "values.jsonl").read_bytes() == before
    late = rob.form(page, "/review/values/v-9")
    assert olga.fill(page, action, verdict="accepted").status_code == 303
    sent = rob.submit("/review/values/v-9", {**late, "verdict": "changes", "text": "No."})
    assert sent.status_code == 409
    assert "in the study’s file" in olga.get(page).text


def test_the_reviewer_is_who_found_this_wording_fine(plain_desk: Desk) -> None:
    ada, rob, olga = (plain_desk.come(r, n) for r, n in
                      (("author", "Ada"), ("reviewer", "Rob"), ("owner", "Olga")))  # fmt: skip
    edit = "/edit/values/v-care-1"
    first = lines(plain_desk.folder / "values.jsonl")[0]
    page, action = "/records/values/v-care-1?draft={}", "/decide/values/v-care-1"
    for verdict, reviewer in (("fine", "Rob"), ("changes", None)):
        text = {**first, "prompt": f"A question that was found {verdict}?", "deed": "save"}
        number = draft_of(ada.fill(edit, edit, **text))
        where = page.format(number)
        rob.fill(where, "/review/values/v-care-1", draft=number, verdict=verdict, text="Read.")
        assert olga.fill(where, action, draft=number, verdict="accepted").status_code == 303
        assert lines(plain_desk.folder / "values.jsonl")[0].get("reviewer") == reviewer


def test_a_draft_under_a_position_that_is_gone_is_not_written(plain_desk: Desk) -> None:
    ada, olga = plain_desk.come("author"), plain_desk.come("owner")
    number = draft_of(ada.fill("/new/prompts", "/new/prompts", id="p-9", deed="save",
                               category="truth", text="Is it so?", split="test"))  # fmt: skip
    page, action = f"/records/prompts/p-9?draft={number}", "/decide/prompts/p-9"
    charter = plain_desk.folder / "charter.toml"
    for name in ("values", "control", "prompts"):
        path = plain_desk.folder / f"{name}.jsonl"
        rows = [row for row in lines(path) if row["category"] != "truth"]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    charter.write_text(charter.read_text().partition('[[positions]]\ncategory = "truth"')[0])
    before = (plain_desk.folder / "prompts.jsonl").read_bytes()
    assert olga.fill(page, action, draft=number, verdict="accepted").status_code == 409
    assert (plain_desk.folder / "prompts.jsonl").read_bytes() == before


def test_a_new_prompt_belongs_to_the_set_that_is_sampled(plain_desk: Desk) -> None:
    ada, olga = plain_desk.come("author"), plain_desk.come("owner")
    number = draft_of(ada.fill("/new/prompts", "/new/prompts", id="p-9", deed="save",
                               category="care", text="Is it so?", split="test"))  # fmt: skip
    page, action = f"/records/prompts/p-9?draft={number}", "/decide/prompts/p-9"
    assert olga.fill(page, action, draft=number, verdict="accepted").status_code == 303
    last = lines(plain_desk.folder / "prompts.jsonl")[-1]
    assert last["presets"] == [plain_desk.site.shelf.content().study.config.sample.prompt_set]


def test_a_new_position_from_its_first_words(plain_desk: Desk) -> None:
    ada, olga = plain_desk.come("author"), plain_desk.come("owner")
    told = {"id": "money", "title": "Money", "statement": "Be kind.", "deed": "save"}
    short = ada.fill("/new/charter", "/new/charter", **told)
    assert "twenty characters" in short.text
    told["statement"] = "Support people in debt; oppose whoever preys on them."
    number = draft_of(ada.fill("/new/charter", "/new/charter", **told))
    page, action = f"/records/charter/money?draft={number}", "/decide/charter/money"
    assert olga.fill(page, action, draft=number, verdict="accepted").status_code == 303
    text = (plain_desk.folder / "charter.toml").read_text()
    assert text.startswith("# the charter of a trial\n")
    assert 'category = "money"' in text


@pytest.mark.parametrize("name", ["ماء-1", "größe-1", "a.b_c-1"])
def test_ids_in_every_script(plain_desk: Desk, name: str) -> None:
    ada, olga = plain_desk.come("author"), plain_desk.come("owner")
    sent = ada.fill("/new/values", "/new/values", id=name, deed="save", **SAMPLE)
    number = draft_of(sent)
    page = sent.headers["location"]
    assert olga.get(page).status_code == 200
    sent = olga.submit(
        f"/decide/values/{name}",
        {**olga.form(page, page.partition("?")[0].replace("/records/", "/decide/")),
         "draft": number, "verdict": "accepted"},
    )  # fmt: skip
    assert sent.status_code == 303
    assert lines(plain_desk.folder / "values.jsonl")[-1]["id"] == name


@pytest.mark.parametrize("base", ['{"foo": 1}', "[" * 50_000, "7", '{"suppress": 3}'])
def test_a_form_with_a_base_of_its_own_spoils_nothing(plain_desk: Desk, base: str) -> None:
    ada, olga = plain_desk.come("author"), plain_desk.come("owner")
    edit = "/edit/values/v-care-1"
    hidden = ada.form(edit, edit)
    first = lines(plain_desk.folder / "values.jsonl")[0]
    sent = ada.submit(edit, {**hidden, **first, "base": base, "deed": "save"})
    assert sent.status_code in (303, 400)
    if sent.status_code == 303:
        assert olga.get(sent.headers["location"]).status_code == 200


def test_a_comment_on_what_is_not_there(plain_desk: Desk) -> None:
    ada = plain_desk.come("author")
    key = ada.form("/records/values/v-care-1", "/comment/values/v-care-1")["key"]
    assert ada.submit("/comment/values/none", key=key, text="x").status_code == 404
    gone = ada.submit("/comment/values/v-care-1", key=key, text="x", draft="99")
    assert gone.status_code == 400


def test_an_open_link_is_made_where_the_consultation_says_so(plain_desk: Desk) -> None:
    path, olga = plain_desk.folder / "consult.toml", plain_desk.come("owner")
    path.write_text(CONSULT, "utf-8")
    asked = {"role": "participant", "labels": "poster", "places": "50"}
    refused_ = olga.submit("/people/invite", asked)
    assert refused_.status_code == 400
    assert "open_link = false" in refused_.text
    path.write_text(CONSULT.replace("\nconsent", "\nopen_link = true\nconsent"), "utf-8")
    assert "New links" in olga.submit("/people/invite", asked).text


def test_what_was_decided_stands_in_the_log(plain_desk: Desk) -> None:
    ada, olga = plain_desk.come("author"), plain_desk.come("owner")
    number = draft_of(ada.fill("/new/values", "/new/values", id="v-9", deed="save", **SAMPLE))
    page, action = f"/records/values/v-9?draft={number}", "/decide/values/v-9"
    olga.fill(page, action, verdict="accepted")
    with plain_desk.site.database.read() as tx:
        last = tx.exec_driver_sql(
            "SELECT actor, action, detail FROM audit ORDER BY number DESC LIMIT 1"
        ).one()
    assert (last.actor, last.action) == (olga.id, "decision")
    assert json.loads(last.detail)["value"] == "accepted"
