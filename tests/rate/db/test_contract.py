"""The contract: what is saved is kept once, nobody rates an item twice, nobody gets past k."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import sqlalchemy as sa
from app import dump
from hands import GOLD, PRACTICE, make_room

from mores.rate.blind import read_key
from mores.rate.db.claims import claim_next
from mores.rate.db.tables import event, remark, slot
from mores.rate.db.work import (
    Answer,
    KeyConflictError,
    NotYoursError,
    StaleError,
    WorkError,
    submit,
)

# Saving and sending again ------------------------------------------------------------------


def test_an_answer_is_one_event_and_one_done_slot(room):
    ada = room.rater()
    what = room.next(ada)
    room.clock.step(5)
    saved = room.submit(ada, what, 2, key="a-key-of-mine", flagged=True, seconds=3.5)
    (kept,) = room.events()
    assert (saved.event, saved.item, saved.replayed, saved.surplus, saved.practice) == (
        kept.id,
        what,
        False,
        False,
        False,
    )
    assert (kept.key, kept.rater, kept.item, kept.revision) == ("a-key-of-mine", ada, what, 1)
    assert (kept.kind, kept.value, kept.reason, kept.flagged) == ("rate", 2, "", 1)
    assert (kept.seconds, kept.surplus, kept.at) == (3.5, 0, room.clock())
    assert [row.done for row in room.slots(what) if row.rater == ada] == [1]
    assert room.counted() == {what: 1}
    assert room.problems() == []


def test_the_same_form_again_changes_nothing(room):
    ada = room.rater()
    what = room.next(ada)
    first = room.submit(ada, what, 2, key="same-key", remark="why", seconds=3.0)
    before = dump(room.database)
    room.clock.step(100)
    # the time on the page differs between two sendings, and is no part of the answer
    again = room.submit(ada, what, 2, key="same-key", remark="why", seconds=103.0)
    assert (again.event, again.replayed) == (first.event, True)
    assert dump(room.database) == before


def test_the_same_form_again_after_a_change_is_still_the_first_one(room):
    ada = room.rater()
    what = room.next(ada)
    first = room.submit(ada, what, 2, key="first-key")
    room.submit(ada, what, 5, revision=1)
    assert room.submit(ada, what, 2, key="first-key").event == first.event
    assert [e.value for e in room.events()] == [2, 5]


def test_the_same_key_for_something_else_is_refused(room):
    ada = room.rater()
    what = room.next(ada)
    room.submit(ada, what, 2, key="same-key")
    before = dump(room.database)
    for said, fields in (
        (3, {}),
        ("cannot", {}),
        ("skip", {}),
        (2, {"remark": "other"}),
        (2, {"flagged": True}),
        (2, {"revision": 1}),
        (2, {"item": "other"}),
    ):
        with pytest.raises(KeyConflictError):
            room.submit(ada, fields.pop("item", what), said, key="same-key", **fields)
    assert dump(room.database) == before


def test_somebody_elses_key_is_refused(room):
    ada, ben = room.rater(), room.rater()
    what = room.next(ada)
    while room.next(ben) != what:
        room.rate_next(ben)
    room.submit(ada, what, 2, key="same-key")
    with pytest.raises(KeyConflictError):
        room.submit(ben, what, 2, key="same-key")
    assert [row.rater for row in room.slots(what) if row.done] == [ada]


# Changing ----------------------------------------------------------------------------------


def test_a_change_is_a_new_revision_and_counts_once(room):
    ada = room.rater()
    what = room.next(ada)
    for revision, said in enumerate([1, "cannot", 5, 5]):
        room.submit(ada, what, said, revision=revision)
    assert [(e.revision, e.kind, e.value) for e in room.events()] == [
        (1, "rate", 1),
        (2, "cannot", None),
        (3, "rate", 5),
        (4, "rate", 5),
    ]
    assert room.counted() == {what: 1}
    assert room.problems() == []


def test_a_form_of_another_revision_is_stale_and_says_what_is_kept(room):
    ada = room.rater()
    what = room.next(ada)
    room.submit(ada, what, 1)
    for revision in (0, 2, 7):
        with pytest.raises(StaleError) as caught:
            room.submit(ada, what, 5, revision=revision)
        assert (caught.value.current.value, caught.value.current.revision) == (1, 1)
    assert [e.value for e in room.events()] == [1]


def test_a_first_form_with_a_later_revision_is_stale(room):
    ada = room.rater()
    what = room.next(ada)
    with pytest.raises(StaleError) as caught:
        room.submit(ada, what, 5, revision=1)
    assert caught.value.current is None


# What a rater may answer -------------------------------------------------------------------


def test_items_never_given_are_refused_alike(room):
    ada, ben = room.rater(), room.rater()
    theirs = room.next(ben)
    own = room.next(ada)
    for name in {theirs, room.planned(ada)[-1], "no-such-item", ""} - {own}:
        before = dump(room.database)
        with pytest.raises(NotYoursError):
            room.submit(ada, name)
        assert dump(room.database) == before


def test_skip_gives_the_item_to_others_and_never_back(new_room):
    room = new_room(seats=4)
    ada = room.rater()
    what = room.next(ada)
    room.submit(ada, what, "skip", reason="upsetting")
    (free,) = [row for row in room.slots(what) if row.seat is None]
    assert (free.rater, free.claimed, free.lease, free.done) == (None, None, None, 0)
    assert what not in room.rate_all(ada)
    for revision, said in ((1, 4), (1, "skip"), (0, 4)):
        with pytest.raises((NotYoursError, StaleError)):
            room.submit(ada, what, said, revision=revision)
    for _ in range(3):
        room.rate_all(room.rater())
    assert set(room.counted().values()) == {3}
    assert len(room.counted()) == 12
    assert room.problems() == []


def test_an_answer_cannot_be_turned_into_a_skip(room):
    ada = room.rater()
    what = room.next(ada)
    room.submit(ada, what, 3)
    with pytest.raises(NotYoursError):
        room.submit(ada, what, "skip", revision=1)
    assert room.counted() == {what: 1}


NO_ANSWERS = [
    (0, {}),
    (6, {}),
    (-1, {}),
    ("rate", {}),
    ("rate", {"value": None}),
    ("cannot", {"value": 3}),
    ("cannot", {"reason": ""}),
    ("cannot", {"reason": "upsetting"}),
    ("skip", {"reason": "incoherent"}),
    ("withdraw", {}),
    ("other", {}),
    (3, {"reason": "incoherent"}),
    (3, {"key": "short"}),
    (3, {"key": "k" * 81}),
    (3, {"key": ""}),
    (3, {"key": "withdraw:1"}),
    (3, {"key": "with\x00nul-in-it"}),
    (3, {"key": "line-feed\n"}),
]


def test_what_is_no_answer_is_refused_whole(room):
    ada = room.rater()
    what = room.next(ada)
    before = dump(room.database)
    for said, fields in NO_ANSWERS:
        with pytest.raises(WorkError):
            room.submit(ada, what, said, **fields)
    assert dump(room.database) == before


def test_remarks_lie_apart_and_do_not_touch_the_event(room):
    ada = room.rater()
    what = room.next(ada)
    saved = room.submit(ada, what, 3, remark="Zoë 🦋 'quoted'")
    assert [tuple(row) for row in room.rows(sa.select(remark))] == [
        (saved.event, "Zoë 🦋 'quoted'")
    ]


# Late answers ------------------------------------------------------------------------------


def test_a_late_answer_is_taken_where_a_slot_is_free(room):
    ada = room.rater()
    what = room.next(ada)
    assert room.release(ada) == 12
    saved = room.submit(ada, what, 3)
    assert not saved.surplus
    assert room.counted() == {what: 1}
    assert room.problems() == []


def test_a_late_answer_takes_a_slot_of_the_pool_before_one_of_a_seat(room):
    ada = room.rater()
    what = room.next(ada)
    room.release(ada)
    (pooled,) = [row.number for row in room.slots(what) if row.seat is None]
    room.submit(ada, what, 3)
    assert [row.number for row in room.slots(what) if row.done] == [pooled]


def test_a_late_answer_without_a_free_slot_is_kept_and_not_counted(room):
    ada = room.rater()
    what = room.next(ada)
    room.release(ada)
    others = [room.rater() for _ in range(3)]  # the third finds no seat, and takes from the pool
    for other in others:
        room.rate_all(other)
    assert room.counted()[what] == 3
    saved = room.submit(ada, what, 1)
    assert saved.surplus
    assert room.counted()[what] == 3
    # a change of it stays outside too, and so it does when a place becomes free
    assert room.submit(ada, what, 2, revision=1).surplus
    room.withdraw(others[0])
    assert room.submit(ada, what, 3, revision=2).surplus
    assert room.counted()[what] == 2
    assert room.problems() == []


def test_the_rater_of_a_held_item_keeps_it_after_the_lease(room):
    ada = room.rater()
    what = room.next(ada)
    room.clock.step(3600)  # the lease is 30 minutes, but the item is of ada's own seat
    ben, cem = room.rater(), room.rater()
    room.rate_all(ben)
    room.rate_all(cem)
    assert not room.submit(ada, what, 4).surplus
    assert room.counted()[what] == 3


# Taking back -------------------------------------------------------------------------------


def test_withdrawing_frees_the_slots_and_keeps_the_events(room):
    ada, ben = room.rater(), room.rater()
    first, second = room.rate_next(ada), room.rate_next(ada, "cannot")
    third = room.next(ada)
    room.submit(ada, third, "skip")
    room.rate_next(ben)
    assert room.withdraw(ada) == 3
    mine = [e for e in room.events() if e.rater == ada]
    assert [(e.item, e.revision, e.kind) for e in mine] == [
        (first, 1, "rate"),
        (second, 1, "cannot"),
        (third, 1, "skip"),
        (first, 2, "withdraw"),
        (second, 2, "withdraw"),
        (third, 2, "withdraw"),
    ]
    assert room.withdraw(ada) == 0
    assert sum(room.counted().values()) == 1
    assert room.rows(sa.select(slot).where(slot.c.rater == ada)) == []
    with pytest.raises(NotYoursError):
        room.submit(ada, first, 4, revision=2)
    assert room.problems() == []


def test_no_form_can_take_the_key_of_a_withdrawal(room):
    ada = room.rater()
    for number in range(1, 4):
        room.submit(ada, room.next(ada), 3, key=f"withdraw-{number}")
    assert room.withdraw(ada) == 3


def test_what_was_withdrawn_can_be_rated_by_somebody_else(new_room):
    room = new_room(per_item=2, seats=2, prompts=2)
    ada, ben = room.rater(), room.rater()
    room.rate_all(ada)
    room.rate_all(ben)
    room.withdraw(ada)
    assert set(room.counted().values()) == {1}
    assert len(room.rate_all(room.rater())) == 6
    assert set(room.counted().values()) == {2}


# The database's own guard ------------------------------------------------------------------


def test_answers_and_the_log_cannot_be_altered(room):
    ada = room.rater()
    room.rate_next(ada, 1)
    before = dump(room.database)
    for table, change in (("event", "value = 5"), ("audit", "actor = 'nobody'")):
        for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
            with pytest.raises(sa.exc.DBAPIError, match="append-only"):
                room.do(sa.text(statement))
    assert dump(room.database) == before


def test_no_second_slot_key_or_revision(room):
    ada = room.rater()
    what = room.rate_next(ada)
    (kept,) = [dict(row._mapping) for row in room.events()]
    del kept["id"]
    other = {**kept, "key": "another-key"}
    doubles = [
        slot.update().where(slot.c.item == what, slot.c.rater.is_(None)).values(rater=ada),
        event.insert().values(**{**kept, "revision": 2}),
        event.insert().values(**other),
        event.insert().values(**{**other, "revision": 2, "value": 6}),
        event.insert().values(**{**other, "revision": 2, "value": None}),
        event.insert().values(**{**other, "revision": 2, "item": "no-such-item"}),
        slot.update().where(slot.c.item == what, slot.c.rater.is_(None)).values(done=1),
    ]
    for statement in doubles:
        with pytest.raises(sa.exc.IntegrityError):
            room.do(statement)
    assert len(room.events()) == 1
    assert room.problems() == []


def test_an_error_in_the_middle_of_a_write_leaves_nothing(room):
    ada = room.rater()
    what = room.next(ada)
    before = dump(room.database)

    class Cut(Exception):
        pass

    def cut() -> None:
        with room.database.write() as tx:
            tx.execute(slot.update().where(slot.c.rater == ada).values(done=1))
            raise Cut

    with pytest.raises(Cut):
        cut()
    assert dump(room.database) == before
    room.submit(ada, what, 4)  # and the next write is not disturbed


# Practice ----------------------------------------------------------------------------------


def test_a_skipped_practice_item_can_be_answered_in_the_second_attempt(new_room):
    room = new_room(rating_toml=PRACTICE)
    ada = room.rater()
    for _ in range(2):
        room.submit(ada, room.next(ada), "skip")
    first = room.next(ada)  # the second attempt
    assert room.submit(ada, first, "cannot", revision=1).practice


def test_practice_is_not_corrected_after_the_feedback(new_room):
    room = new_room(rating_toml=PRACTICE)
    ada = room.rater()
    first = room.next(ada)
    room.submit(ada, first, 1)
    with pytest.raises(NotYoursError):
        room.submit(ada, first, 5, revision=1)


def test_practice_and_gold_never_count(new_room):
    room = new_room(rating_toml=PRACTICE + GOLD.replace('version = "1"', ""))
    ada = room.rater()
    right = {name for name, topic in room.items("practice").items() if topic == "topic-1"}
    for _ in range(2):
        what = room.next(ada)
        room.submit(ada, what, 5 if what in right else "cannot")
    done = room.rate_all(ada)
    assert len(done) == 12 + 2
    assert set(room.counted()) == set(room.items())
    assert room.problems() == []


# All of it ---------------------------------------------------------------------------------


def test_six_raters_who_rate_everything_are_balanced_exactly(tmp_path):
    room = make_room(
        tmp_path / "study", None, categories=8, prompts=40, draws=3, per_item=3, seats=6
    )
    people = [room.rater() for _ in range(6)]
    for who in people:
        done = 0
        with room.database.write() as tx:  # one write for all of them, only for speed
            while (what := claim_next(tx, who, room.clock(), room.rules)[1]) is not None:
                answer = Answer(room.key(), what, 0, "rate", 1 + done % 5)
                submit(tx, who, answer, room.clock.step(1))
                done += 1
        assert done == 180  # 360 items x 3 / 6
        assert room.me(who).stage == "guess"
    assert set(room.counted().values()) == {3}
    assert len(room.counted()) == 360
    arms = {entry.item_id: entry.arm for entry in read_key(room.site.study, room.facts.key_digest)}
    topics = room.items()
    for who in people:
        mine = [e.item for e in room.events() if e.rater == who]
        assert Counter(arms[name] for name in mine) == {
            "base": 60,
            "values_targeted": 60,
            "control": 60,
        }
        # 45 items a category x 3 ratings / 6 seats = 22.5
        assert set(Counter(topics[name] for name in mine).values()) <= {22, 23}
        assert len(Counter(topics[name] for name in mine)) == 8
    assert room.problems() == []
    room.database.close()


def test_forty_people_at_once_fill_every_slot_exactly(new_room):
    room = new_room(prompts=20, arms=("base", "values_targeted"), per_item=3, seats=10)
    people = [room.rater() for _ in range(40)]
    for who in people[:10]:
        room.release(who)  # all 120 slots are in the pool now, and everybody wants them
    errors: list[BaseException] = []
    at_once = threading.Barrier(40)

    def work(who: str) -> None:
        try:
            at_once.wait(30)
            while room.rate_next(who) is not None:
                pass
        except BaseException as error:  # noqa: BLE001 - told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert len(room.events()) == 120
    assert set(room.counted().values()) == {3}
    assert len(room.counted()) == 40
    assert room.problems() == []


def test_one_form_sent_by_many_threads_is_saved_once(room):
    ada = room.rater()
    what = room.next(ada)
    results = []
    at_once = threading.Barrier(12)

    def send() -> None:
        at_once.wait(30)
        results.append(room.submit(ada, what, 4, key="pressed-often"))

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(saved.replayed for saved in results) == [False] + [True] * 11
    assert len({saved.event for saved in results}) == 1
    assert len(room.events()) == 1
