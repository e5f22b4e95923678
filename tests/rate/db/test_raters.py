"""Links, sessions, consent, panels, forgetting, and cells too small to be shown."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from app import START, dump
from hands import make_room

from mores.errors import DataError
from mores.rate.db import raters
from mores.rate.db.progress import declared_groups
from mores.rate.db.raters import LinkError
from mores.rate.db.release import forget
from mores.rate.db.tables import (
    cues,
    declared,
    invite,
    opt_out,
    person,
    rater,
    remark,
    session,
)
from mores.rate.export.rows import export_rows
from mores.web import audit

DAY = 86_400.0
GROUPS = """version = "1"
[[groups]]
id = "age"
question = "How old are you?"
options = ["under 30", "30 and over"]
[[groups]]
id = "home"
question = "Where do you live?"
options = ["town", "country"]
"""


def state(room, token, outside=None):
    """Why a link lets nobody in, or "ok"; looking at it changes nothing."""
    before = dump(room.database)
    try:
        with room.database.read() as tx:
            raters.open_link(tx, token, ("personal", "open"), room.clock())
    except LinkError as error:
        return error.state
    finally:
        assert dump(room.database) == before
    return "ok"


def forget_one(room, who, ratings):
    with room.database.write() as tx:
        return forget(tx, who, ratings=ratings, now=room.clock())


# Links -------------------------------------------------------------------------------------


def test_links_are_256_bits_and_only_their_hash_is_kept(room):
    tokens = {room.link() for _ in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    sessions = {room.enter(token) for token in tokens}
    held = repr(dump(room.database))
    assert not [secret for secret in tokens | sessions if secret in held]
    # SHA-256 of "abc": FIPS 180-2, appendix B.1
    assert raters.hashed("abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_link_states(room):
    token = room.link(days=2)
    assert state(room, token) == "ok"
    room.clock.step(2 * DAY - 1)
    assert state(room, token) == "ok"
    room.clock.step(1)  # the second at which it ends
    assert state(room, token) == "link_expired"
    with pytest.raises(LinkError):
        room.enter(token)
    assert state(room, token[:-1]) == "link_unknown"
    assert state(room, "") == "link_unknown"
    assert state(room, room.link("owner")) == "link_unknown"  # no door for raters
    other = room.link()
    name = room.rows(sa.select(invite.c.id).where(invite.c.secret == raters.hashed(other)))[0].id
    with room.database.write() as tx:
        raters.revoke(tx, name, room.clock())
    assert state(room, other) == "link_revoked"
    with pytest.raises(DataError), room.database.write() as tx:
        raters.revoke(tx, "no-such-link", room.clock())


def test_the_same_link_leads_to_the_same_rater_in_a_new_session(room):
    token = room.link()
    first, second = room.enter(token), room.enter(token)
    assert first != second
    assert room.whose(first).person.id == room.whose(second).person.id
    assert room.whose(first).csrf != room.whose(second).csrf
    assert len(room.rows(sa.select(rater))) == 1


def test_revoking_ends_the_sessions_and_keeps_the_answers(room):
    token = room.link()
    session_of_ada, other = room.enter(token), room.enter(room.link())
    ada = room.whose(session_of_ada).person.id
    room.consent(ada)
    what = room.rate_next(ada)
    name = room.rows(sa.select(invite.c.id).where(invite.c.rater == ada))[0].id
    with room.database.write() as tx:
        raters.revoke(tx, name, room.clock())
    assert room.whose(session_of_ada) is None
    assert room.whose(other) is not None
    with pytest.raises(LinkError):
        room.enter(token)
    assert room.counted() == {what: 1}


def test_sessions_end_by_time_and_by_signing_out(room):
    token = room.link()
    first = room.enter(token)
    room.clock.step(14 * DAY - 1)
    assert room.whose(first) is not None
    room.clock.step(1)
    assert room.whose(first) is None
    second, third = room.enter(token), room.enter(token)
    kept = {row.secret for row in room.rows(sa.select(session))}
    assert kept == {raters.hashed(second), raters.hashed(third)}  # the old one is swept out
    with room.database.write() as tx:
        raters.end_session(tx, second)
    assert (room.whose(second), room.whose(third) is None) == (None, False)
    assert room.whose("") is None
    with room.database.write() as tx:
        owner = raters.new_session(tx, "owner", None, room.clock())
    assert (room.whose(owner).role, room.whose(owner).person) == ("owner", None)
    room.clock.step(DAY / 2)
    assert room.whose(owner) is None


# Panels ------------------------------------------------------------------------------------


def test_a_panels_rater_comes_back_with_both_ids_only(room):
    token = room.link("open", places=2)
    first = room.enter(token, ("participant-1", "session-1"))
    again = room.enter(token, ("participant-1", "session-1"))
    assert room.whose(first).person.id == room.whose(again).person.id
    for outside, why in (
        (("participant-1", "session-2"), "link_unknown"),  # the first id alone is known to others
        (("participant-1", ""), "bad_form"),
        (("", "session-1"), "bad_form"),
        (("p" * 201, "session-1"), "bad_form"),
        (None, "bad_form"),
    ):
        with pytest.raises(LinkError) as caught:
            room.enter(token, outside)
        assert caught.value.state == why
    assert len(room.rows(sa.select(rater))) == 1
    assert "session-1" not in repr(dump(room.database))


def test_an_open_link_lets_so_many_in_and_those_always_back(room):
    token = room.link("open", places=2)
    for n in (1, 2):
        room.enter(token, (f"participant-{n}", "s"))
    with pytest.raises(LinkError) as caught:
        room.enter(token, ("participant-3", "s"))
    assert caught.value.state == "link_full"
    assert room.enter(token, ("participant-2", "s"))
    other = room.link("open", places=1)
    assert room.whose(room.enter(other, ("participant-1", "s"))).person.number == 1
    assert room.enter(other, ("participant-3", "s"))  # the place of this link is still free


def test_revoking_an_open_link_ends_the_sessions_of_all_who_came_by_it(room):
    token, other = room.link("open", places=2), room.link("open", places=2)
    came = [room.enter(token, (f"participant-{n}", "s")) for n in (1, 2)]
    stays = room.enter(other, ("participant-3", "s"))
    label = f"{room.rows(sa.select(person.c.label))[0].label}"
    with room.database.write() as tx:
        raters.revoke(tx, label.removesuffix(":"), room.clock())
    assert [room.whose(one) for one in came] == [None, None]
    assert room.whose(stays) is not None


# Consent -----------------------------------------------------------------------------------


def test_consent_is_noted_once(new_room):
    room = new_room(rating_toml=GROUPS)
    ada = room.join()
    assert (room.me(ada).stage, room.me(ada).consented) == ("invited", None)
    room.clock.step(5)
    room.consent(ada, "topic-2", age="under 30")
    assert (room.me(ada).stage, room.me(ada).consented) == ("rating", START + 5)
    before = dump(room.database)
    room.consent(ada, "topic-1", age="30 and over")
    assert dump(room.database) == before
    assert [row.category for row in room.rows(sa.select(opt_out))] == ["topic-2"]
    assert [tuple(row) for row in room.rows(sa.select(declared))] == [(ada, "age", "under 30")]


@pytest.mark.parametrize(
    ("unwanted", "groups"),
    [
        (("topic-9",), {}),
        (("",), {}),
        ((), {"age": "17"}),
        ((), {"shoe_size": "44"}),
        ((), {"age": ""}),
    ],
)
def test_what_was_not_asked_is_refused_whole(new_room, unwanted, groups):
    room = new_room(rating_toml=GROUPS)
    ada = room.join()
    before = dump(room.database)
    with pytest.raises(DataError):
        room.consent(ada, *unwanted, **groups)
    assert dump(room.database) == before


def test_declining_is_possible_before_consent_only(room):
    ada, ben = room.join(), room.rater()
    with room.database.write() as tx:
        raters.decline(tx, ada, room.clock())
        raters.decline(tx, ben, room.clock())
    assert (room.me(ada).stage, room.me(ben).stage) == ("declined", "rating")
    assert room.claim(ada) == ("finished", None)
    before = dump(room.database)
    room.consent(ada)
    assert dump(room.database) == before


def test_topics_left_out_are_counted_in_the_log_and_not_named(room):
    room.rater("topic-1")
    with room.database.read() as tx:
        (entry,) = [row for row in audit.entries(tx) if row.action == "consent"]
    assert entry.detail == '{"topics_left_out":1}'


# Forgetting --------------------------------------------------------------------------------


def known_rater(new_room):
    room = new_room(rating_toml=GROUPS)
    token = room.link("open", places=1)
    entered = room.enter(token, ("panel-person-77", "panel-session-77"))
    ada = room.whose(entered).person.id
    room.consent(ada, age="under 30", home="town")
    what = room.next(ada)
    room.submit(ada, what, 2, remark="my name is Ada Lovelace")
    room.next(ada)
    room.do(cues.insert().values(rater=ada, text="I am Ada"))
    room.do(rater.update().where(rater.c.id == ada).values(language="de"))
    return room, ada, what, entered, token


def test_forgetting_keeps_the_ratings_under_a_number(new_room):
    room, ada, what, entered, token = known_rater(new_room)
    assert forget_one(room, ada, "keep") == 0
    for table in (person, declared, session, cues, remark):
        assert room.rows(sa.select(table)) == []
    held = repr(dump(room.database))
    for trace in ("panel-person-77", "Lovelace", "I am Ada", "'de'"):
        assert trace not in held
    assert raters.hashed("panel-session-77") not in held
    assert room.counted() == {what: 1}
    assert room.whose(entered) is None
    assert room.me(ada).stage == "revoked"
    assert room.claim(ada) == ("finished", None)
    assert room.problems() == []
    assert room.rows(sa.select(sa.func.count()).select_from(person))[0][0] == 0
    (last,) = room.rows(sa.select(audit.audit).order_by(audit.audit.c.number.desc()).limit(1))
    assert (last.action, last.detail) == (
        "forget rater",
        f'{{"rater":"{ada}","ratings":"keep","withdrawn":0}}',
    )
    assert room.enter(token, ("panel-person-78", "s"))  # and the place is free again


def test_forgetting_can_take_the_ratings_with_it(new_room):
    room, ada, what, _, _ = known_rater(new_room)
    assert forget_one(room, ada, "keep") == 0  # first this, then the other, is possible too
    assert forget_one(room, ada, "withdraw") == 1
    assert room.counted() == {}
    assert [(e.item, e.kind) for e in room.events()] == [(what, "rate"), (what, "withdraw")]
    assert room.problems() == []


def test_what_was_forgotten_is_not_left_in_the_files_bytes(tmp_path):
    room = make_room(tmp_path / "s", None)
    assert room.rows(sa.text("PRAGMA secure_delete"))[0][0] == 1
    ada = room.rater()
    room.submit(ada, room.next(ada), 2, remark="my name is Ada Lovelace")
    path = room.database.path
    with room.database.alone() as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"Lovelace" in path.read_bytes()
    forget_one(room, ada, "keep")
    room.database.close()  # the log goes into the file
    for place in path.parent.glob(path.name + "*"):
        assert b"Lovelace" not in place.read_bytes()


def test_a_personal_link_of_somebody_forgotten_is_dead(room):
    token = room.link()
    ada = room.whose(room.enter(token)).person.id
    room.consent(ada)
    forget_one(room, ada, "keep")
    with pytest.raises(LinkError) as caught:
        room.enter(token)
    assert caught.value.state == "link_revoked"


def test_the_items_of_somebody_forgotten_are_free_for_others(room):
    ada = room.rater()
    room.rate_next(ada)
    room.next(ada)
    forget_one(room, ada, "withdraw")
    for _ in range(3):
        room.rate_all(room.rater())
    assert set(room.counted().values()) == {3}
    assert len(room.counted()) == 12


def test_forgetting_nobody_is_an_error(room):
    before = dump(room.database)
    with pytest.raises(DataError, match="no rater"):
        forget_one(room, "no-such-rater", "keep")
    assert dump(room.database) == before


# Small cells -------------------------------------------------------------------------------


def groups_shown(room):
    with room.database.read() as tx:
        lines = declared_groups(tx, room.facts)
    return {row["answer"]: row["raters"] for row in lines}


def groups_exported(room):
    return [row.groups for row in export_rows(room.database)]


def test_cells_below_the_least_are_shown_nowhere(new_room):
    room = new_room(rating_toml=GROUPS, seats=6, min_cell=3)
    people = [room.rater(age="under 30") for _ in range(2)]
    people += [room.rater(age="30 and over", home="town") for _ in range(3)]
    for who in people:
        room.rate_next(who)
    hidden = {"under 30": None, "30 and over": 3, "town": 3, "country": None}
    assert groups_shown(room) == hidden
    both = {"age": "30 and over", "home": "town"}
    assert groups_exported(room) == [{}, {}, both, both, both]
    people.append(room.rater(age="under 30"))
    assert groups_shown(room) == {**hidden, "under 30": 3}
    assert groups_exported(room)[0] == {"age": "under 30"}
    forget_one(room, people[0], "keep")  # two are left, and the cell closes again
    assert groups_shown(room) == hidden
    assert groups_exported(room) == [{}, {}, both, both, both]


def test_nobody_is_no_cell_either(new_room):
    room = new_room(rating_toml=GROUPS, min_cell=2)
    assert groups_shown(room) == {
        "under 30": None,
        "30 and over": None,
        "town": None,
        "country": None,
    }
