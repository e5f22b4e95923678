"""Who sees which item when: practice and gate, gold, own seat, pool, leases, breaks, caps."""

from __future__ import annotations

from itertools import pairwise

import pytest
import sqlalchemy as sa
from app import START
from hands import GOLD, PRACTICE, make_room

from mores.rate.db.claims import GAP, why_none
from mores.rate.db.tables import claim, item, rater, seat, slot

HOUR, DAY = 3600.0, 86_400.0
EASY = """version = "1"
practice_pass = 0.5
[[practice]]
id = "only"
category = "topic-1"
prompt = "Practice"
output = "Be kind."
low = 4
high = 5
feedback = "It is in the spirit."
"""


def why(room, who):
    with room.database.read() as tx:
        return why_none(tx, who, room.clock(), room.rules)


# Own seat ----------------------------------------------------------------------------------


def test_own_items_come_in_the_order_of_the_seat(room):
    ada = room.rater()
    planned = room.planned(ada)
    assert len(planned) == 12
    assert room.rate_all(ada) == planned


def test_an_item_held_stays_the_next_and_its_lease_is_renewed(room):
    ada = room.rater()
    what = room.next(ada)
    (first,) = [row for row in room.slots(what) if row.rater == ada]
    assert (first.claimed, first.lease) == (START, START + 1800)
    room.clock.step(100)
    assert room.next(ada) == what
    (again,) = [row for row in room.slots(what) if row.rater == ada]
    assert (again.number, again.claimed, again.lease) == (first.number, START + 100, START + 1900)
    (shown,) = room.rows(sa.select(claim).where(claim.c.rater == ada))
    assert (shown.item, shown.at) == (what, START)


def test_seats_are_taken_in_turn_and_whoever_comes_late_gets_none(room):
    people = [room.rater() for _ in range(4)]
    taken = {row.rater: row.number for row in room.rows(sa.select(seat))}
    assert [taken.get(who) for who in people] == [1, 2, 3, None]
    assert room.claim(people[3]) == ("waiting", None)
    assert room.me(people[3]).stage == "rating"


def test_at_the_end_the_rater_is_asked_for_a_guess(room):
    ada = room.rater()
    for _ in range(12):
        room.rate_next(ada)
    assert room.me(ada).stage == "rating"
    assert room.claim(ada) == ("finished", None)
    assert room.me(ada).stage == "guess"
    assert room.claim(ada) == ("finished", None)


def test_who_left_topics_out_is_never_given_them_and_others_are(new_room):
    room = new_room(seats=4, rating_toml=PRACTICE + GOLD.replace('version = "1"', ""))
    topics = room.items() | room.items("gold") | room.items("practice")
    ada = room.rater("topic-2")
    given = []
    while (what := room.claim(ada)[1]) is not None:
        given.append(what)
        room.submit(ada, what, 5)
    assert {topics[what] for what in given} == {"topic-1"}
    room.do(rater.update().where(rater.c.id == ada).values(stage="rating"))
    assert room.release(ada) == 0  # nothing of it was hers any more
    others = [room.rater() for _ in range(4)]
    room.do(slot.delete().where(slot.c.place < 0))  # spare them the practice
    for who in others:
        room.do(rater.update().where(rater.c.id == who).values(stage="rating"))
        room.rate_all(who)
    assert set(room.counted().values()) == {3}
    assert len(room.counted()) == 12
    assert room.problems() == []


def test_who_left_everything_out_finds_nothing(room):
    ada = room.rater("topic-1", "topic-2")
    assert room.planned(ada) == []
    assert room.claim(ada) == ("waiting", None)


# Practice and gate -------------------------------------------------------------------------


def test_practice_comes_first_and_opens_the_gate(new_room):
    room = new_room(rating_toml=PRACTICE)
    ada = room.rater()
    assert room.me(ada).stage == "practice"
    topics = room.items("practice")
    for _ in range(2):
        what = room.next(ada)
        assert room.submit(ada, what, 4 if topics[what] == "topic-1" else "cannot").practice
    assert room.next(ada) in room.items()
    assert (room.me(ada).stage, room.me(ada).attempt) == ("rating", 1)


@pytest.mark.parametrize(
    ("said", "right"),
    [(3, False), (4, True), (5, True), ("cannot", False), ("skip", False)],
)
def test_the_range_of_a_practice_item_decides(tmp_path, said, right):
    room = make_room(tmp_path / "s", None, rating_toml=EASY)
    ada = room.rater()
    room.submit(ada, room.next(ada), said)
    what = room.next(ada)
    assert (what in room.items()) == right
    assert room.me(ada).attempt == (1 if right else 2)
    room.database.close()


def test_after_two_attempts_the_gate_is_shut_and_the_items_go_to_others(new_room):
    room = new_room(rating_toml=PRACTICE)
    ada = room.rater()
    order = []
    for attempt in (0, 1):
        for _ in range(2):
            what = room.next(ada)
            order.append(what)
            room.submit(ada, what, 1, revision=attempt)
    assert order[:2] == order[2:]  # the same items again
    assert room.claim(ada) == ("gate", None)
    assert room.me(ada).stage == "gated"
    assert why(room, ada) == "gate"
    assert room.claim(ada) == ("finished", None)
    free = sa.select(sa.func.count()).where(slot.c.seat.is_(None), slot.c.rater.is_(None))
    assert room.rows(free)[0][0] == 12


def test_the_share_that_must_be_right_is_the_studys(new_room):
    room = new_room(
        rating_toml=PRACTICE.replace('version = "1"', 'version = "1"\npractice_pass=0.5')
    )
    ada = room.rater()
    for _ in range(2):
        room.submit(ada, room.next(ada), 4)  # one of two is right
    assert room.next(ada) in room.items()


def test_practice_in_the_second_attempt_counts_the_second_answers(new_room):
    room = new_room(rating_toml=EASY)
    ada = room.rater()
    what = room.next(ada)
    room.submit(ada, what, 1)
    assert room.next(ada) == what
    room.submit(ada, what, 5, revision=1)
    assert room.next(ada) in room.items()


# Gold --------------------------------------------------------------------------------------


def test_gold_comes_in_its_turn_and_looks_like_the_rest(new_room):
    room = new_room(rating_toml=GOLD)
    gold = room.items("gold")
    for _ in range(3):
        ada = room.rater()
        mine = sa.select(slot).join(item, item.c.id == slot.c.item)
        places = {
            row.item: row.place
            for row in room.rows(mine.where(item.c.kind == "gold", slot.c.rater == ada))
        }
        # two over twelve items: one in each half
        first, second = sorted(places.values())
        assert 0 <= first <= 6 * GAP <= second <= 12 * GAP
        done = room.rate_all(ada)
        assert len(done) == 14
        for name, place in places.items():
            before = [n for n in done[: done.index(name)] if n not in gold]
            assert len(before) * GAP == place
    assert len({row.place for row in room.rows(sa.select(slot).where(slot.c.seat.is_(None)))}) > 1


def test_gold_is_claimed_like_any_item(new_room):
    room = new_room(rating_toml=GOLD)
    ada = room.rater()
    room.rate_all(ada)
    for kind in ("study", "gold"):
        for name in room.items(kind):
            (mine,) = [row for row in room.slots(name) if row.rater == ada]
            assert mine.done == 1
            assert mine.lease == mine.claimed + 1800


# The pool ----------------------------------------------------------------------------------


def test_the_pool_gives_the_topic_with_fewest_answers_first(new_room):
    room = new_room(seats=4)
    ada, ben = room.rater(), room.rater("topic-2")
    topics = room.items()
    room.release(ada)
    before = len(room.planned(ben))
    for _ in range(before):
        assert topics[room.rate_next(ben)] == "topic-1"
    room.do(sa.text("DELETE FROM opt_out"))
    # ben has answered topic 1 only, so topic 2 comes until both are even or used up
    assert topics[room.next(ben)] == "topic-2"


def test_a_pool_item_is_held_for_the_lease_and_then_anyones(new_room):
    room = new_room(prompts=1, categories=1, arms=("base",), per_item=2, seats=2)
    ada, ben, cem = room.rater(), room.rater(), room.rater()
    (what,) = room.items()
    room.rate_next(ben)
    room.release(ada)
    assert room.next(cem) == what
    dan = room.rater()
    room.clock.step(1800)
    assert room.claim(dan) == ("waiting", None)  # to the second: not over yet
    room.clock.step(1)
    assert room.next(dan) == what
    room.submit(dan, what, 3)
    assert room.submit(cem, what, 4).surplus  # kept, although late
    assert room.counted() == {what: 2}
    assert room.problems() == []


def test_idle_raters_lose_what_they_have_not_begun(room):
    ada = room.rater()
    held = room.next(ada)
    ben, cem = room.rater(), room.rater()
    room.rate_all(ben)
    room.rate_all(cem)
    dan = room.rater()
    now = START + 72 * HOUR
    room.clock.at = now
    assert room.claim(dan) == ("waiting", None)  # exactly 72 hours are not more than 72
    room.clock.at = now + 1
    first = room.next(dan)
    room.clock.at = START + 72 * HOUR + 1
    assert first in room.items()
    done = [first]
    room.submit(dan, first)
    done += room.rate_all(dan)
    assert len(done) == 12  # the one on ada's screen too: its lease is over
    assert room.submit(ada, held, 2).surplus
    assert set(room.counted().values()) == {3}
    assert room.problems() == []


def test_a_sign_of_life_keeps_the_seat(room):
    ada = room.rater()
    what = room.rate_next(ada)
    room.clock.step(71 * HOUR)
    room.submit(ada, what, 5, revision=1)
    room.clock.step(71 * HOUR)
    for _ in range(2):
        room.rater()
    assert room.claim(room.rater()) == ("waiting", None)


def test_nobody_is_shown_an_item_twice(room):
    ada, ben = room.rater(), room.rater()
    seen = [room.rate_next(ada) for _ in range(3)]
    room.submit(ada, room.next(ada), "skip")
    room.release(ben)
    room.withdraw(ada)
    rest = room.rate_all(ada)
    assert not set(rest) & set(seen)
    assert len(rest) == 8


# Release and reassign ----------------------------------------------------------------------


def test_released_items_go_to_the_pool_and_answers_stay(room):
    ada = room.rater()
    done = [room.rate_next(ada) for _ in range(3)]
    room.next(ada)
    assert room.release(ada) == 9
    assert room.release(ada) == 0
    assert {n for n in room.items() for row in room.slots(n) if row.rater == ada} == set(done)
    free = [row for n in room.items() for row in room.slots(n) if row.seat is None and not row.done]
    assert [(row.rater, row.claimed, row.lease) for row in free] == [(None, None, None)] * 9


def test_reassigned_items_are_what_the_other_can_take(new_room):
    # seats of 4 items each: 12 items x 2 / 6; what ben has already or knows goes to the pool
    room = new_room(per_item=2, seats=6)
    ada, ben = room.rater(), room.rater()
    mine, theirs = room.planned(ada), room.planned(ben)
    shared = set(mine) & set(theirs)
    assert room.release(ada, to=ben) == 4
    assert sorted(room.planned(ben)) == sorted({*mine, *theirs})
    pooled = {n for n in mine for row in room.slots(n) if row.seat is None}
    assert pooled == shared
    assert set(room.rate_all(ben)) == {*mine, *theirs}
    assert room.problems() == []


def test_reassigning_between_two_who_have_everything_leaves_no_item_stuck(room):
    ada, ben = room.rater(), room.rater()
    assert room.release(ada, to=ben) == 12
    assert len(room.planned(ben)) == 12
    room.rate_all(ben)
    room.rate_all(room.rater())
    assert len(room.rate_all(room.rater())) == 12  # the fourth finds ada's in the pool
    assert set(room.counted().values()) == {3}


def test_reassigning_respects_the_topics_left_out(new_room):
    room = new_room(per_item=1, seats=2)
    topics = room.items()
    ada, ben = room.rater(), room.rater("topic-2")
    room.release(ada, to=ben)
    assert {topics[n] for n in room.planned(ben)} == {"topic-1"}
    assert {topics[n] for n in room.rate_all(ben)} == {"topic-1"}


def test_reassigning_to_one_who_had_finished_lets_them_go_on(new_room):
    room = new_room(per_item=1, seats=2)
    ada, ben = room.rater(), room.rater()
    room.rate_all(ben)
    assert room.me(ben).stage == "guess"
    room.release(ada, to=ben)
    assert (room.me(ben).stage, room.me(ben).notice) == ("rating", "")
    assert len(room.rate_all(ben)) == 6
    assert set(room.counted().values()) == {1}


@pytest.mark.parametrize(
    ("stage", "free"),
    [("gated", 12), ("declined", 12), ("revoked", 12), ("done", 6)],  # done: away after 72 hours
)
def test_reassigning_to_one_who_has_ended_feeds_the_pool(tmp_path, stage, free):
    room = make_room(tmp_path / "s", None, per_item=1, seats=2)
    ada, ben = room.rater(), room.rater()
    room.do(rater.update().where(rater.c.id == ben).values(stage=stage))
    assert room.release(ada, to=ben) == 6
    assert len(room.rate_all(room.rater())) == free  # ada's, and ben's own
    room.database.close()


def test_reassigning_to_one_without_a_seat_feeds_the_pool(room):
    ada, *_ = [room.rater() for _ in range(3)]
    dan = room.rater()
    room.release(ada, to=dan)
    assert len(room.rate_all(dan)) == 12


# Rest --------------------------------------------------------------------------------------


def test_a_break_is_proposed_after_so_many_items(new_room):
    room = new_room(break_items=5)
    ada = room.rater()
    for _ in range(5):
        room.rate_next(ada)
    assert room.claim(ada) == ("break", None)
    assert why(room, ada) == "break"
    assert room.me(ada).notice == "break"
    room.clock.step(60)
    assert room.claim(ada)[0] == "break"  # a minute is no break
    assert room.claim(ada, rested=True)[0] == "item"
    for _ in range(5):
        room.rate_next(ada)
    assert room.claim(ada)[0] == "break"


def test_a_break_is_proposed_after_so_many_minutes(new_room):
    room = new_room(break_minutes=20)
    ada = room.rater()
    for _ in range(4):
        room.rate_next(ada)
        room.clock.step(299)
    room.rate_next(ada)
    room.clock.step(4)  # 1200 seconds since the start
    assert room.claim(ada)[0] == "break"


def test_whoever_was_away_has_had_a_break(new_room):
    room = new_room(break_items=5)
    ada = room.rater()
    for _ in range(4):
        room.rate_next(ada)
    room.clock.step(601)
    for _ in range(5):
        assert room.claim(ada)[0] == "item"
        room.rate_next(ada)
    assert room.claim(ada)[0] == "break"
    room.clock.step(600)
    assert room.claim(ada)[0] == "break"  # ten minutes to the second: not yet
    room.clock.step(601)
    assert why(room, ada) in ("start", "lease")
    assert room.claim(ada)[0] == "item"


def test_the_daily_cap_ends_with_the_day(new_room):
    room = new_room(daily_cap=5)
    room.clock.at = START - START % DAY + DAY - 100  # 100 seconds before midnight UTC
    ada = room.rater()
    for _ in range(5):
        room.rate_next(ada)
    assert room.claim(ada) == ("cap", None)
    assert why(room, ada) == "cap"
    room.clock.step(99)
    assert room.claim(ada)[0] == "cap"
    room.clock.step(1)
    assert why(room, ada) == "start"
    for _ in range(5):
        assert room.claim(ada)[0] == "item"
        room.rate_next(ada)
    assert room.claim(ada)[0] == "cap"


def test_changes_do_not_count_for_cap_or_break_and_an_item_held_stays(new_room):
    room = new_room(daily_cap=2, break_items=2)
    ada = room.rater()
    what = room.rate_next(ada)
    for revision in range(1, 5):
        room.submit(ada, what, 1, revision=revision)
    assert room.rate_next(ada) is not None
    assert room.claim(ada)[0] == "cap"


# Clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_a_clock_that_jumps_by_a_day_loses_nothing(new_room, step):
    room = new_room(break_items=4, daily_cap=8)
    ada, ben = room.rater(), room.rater()
    held = room.next(ada)
    room.rate_next(ben)
    room.clock.step(step)
    assert room.next(ada) == held
    assert not room.submit(ada, held, 3).surplus
    for _ in range(3):
        room.rate_next(ada)
    room.clock.step(-step)
    room.claim(ada, rested=True)
    while room.rate_next(ada) is not None:
        pass
    room.clock.step(4 * DAY)
    for who in (ada, ben, room.rater()):
        for _ in range(6):
            room.claim(who, rested=True)
            while room.rate_next(who) is not None:
                pass
            room.clock.step(DAY)
    assert set(room.counted().values()) == {3}
    assert len(room.counted()) == 12
    assert room.problems() == []


def test_why_nothing_is_held(room):
    ada = room.rater()
    assert why(room, ada) == "start"
    room.next(ada)
    room.release(ada)
    assert why(room, ada) == "lease"
    room.rater()
    room.rater()
    dan = room.rater()
    room.rate_all(dan)
    assert room.me(dan).stage == "guess"
    eve = room.rater()
    assert room.claim(eve)[0] == "waiting"
    assert why(room, eve) == "waiting"


def test_two_neighbours_in_a_seat_never_share_a_prompt(room):
    prompts = {row.id: row.prompt for row in room.rows(sa.select(item))}
    ada = room.rater()
    done = room.rate_all(ada)
    assert all(prompts[a] != prompts[b] for a, b in pairwise(done))
