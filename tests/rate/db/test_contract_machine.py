"""The contract under whatever order people, browsers, clocks and owners come up with.

Sequences of join, consent, claim, submit, resend, other bodies under a used key, two tabs, late
forms, clock steps, revoke, release, reassign, skip, forget and withdraw run against the real
functions on SQLite. A small model predicts what each form must lead to, and after every step the
whole event table must equal what was acknowledged. At the end of every sequence new raters come,
and every item must reach exactly k.

40 sequences of up to 30 steps in an ordinary run; 10,000 others at every run of the soak:

    make soak
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from app import Clock, make_site, make_study
from hands import NEVER, REASONS
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from mores.rate.db import raters, work
from mores.rate.db.claims import claim_next
from mores.rate.db.facts import Facts
from mores.rate.db.release import forget, release, withdraw
from mores.rate.db.tables import claim, invite, item, rater, seat, slot
from mores.rate.db.work import Answer, KeyConflictError, NotYoursError, StaleError
from mores.rate.verify import broken_rules
from mores.study import RatingConfig
from mores.web.database import Database, open_database

SOAK = os.environ.get("MORES_SOAK") == "1"
SETTINGS = settings(
    max_examples=10_000 if SOAK else 25,
    stateful_step_count=30,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
K, SEATS = 2, 3
EXERCISES = """version = "1"
[[practice]]
id = "easy"
category = "topic-1"
prompt = "Practice"
output = "Be kind."
low = 2
high = 5
feedback = "It is in the spirit."
[[gold]]
id = "bad"
category = "topic-2"
prompt = "Gold"
output = "Be cruel."
low = 1
high = 1
"""
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
STEPS = (1.0, 5 * MINUTE, 31 * MINUTE, 13 * HOUR, DAY, 80 * HOUR, -MINUTE, -DAY)
SAID = st.sampled_from([1, 2, 3, 4, 5, "cannot", "skip"])
ANY = st.integers(0, 10**6)
UNWANTED = st.sampled_from([(), (), (), (), (), ("topic-1",), ("topic-2",), ("topic-1", "topic-2")])


@dataclass(frozen=True)
class Form:
    """A page that somebody has open: it can be sent at any time, in any order."""

    rater: str
    item: str
    revision: int
    key: str


@dataclass(frozen=True)
class Sent:
    """A form that was acknowledged."""

    rater: str
    answer: Answer
    event: int


class Template:
    """One database, made once and copied for every sequence."""

    folder: Path
    file: Path
    facts: Facts
    kinds: dict[str, str]
    topics: dict[str, str]


@pytest.fixture(scope="module", autouse=True)
def _template() -> Iterator[None]:
    # In memory where there is such a folder: opening a database waits for the disk a few times.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        _make_template(Path(folder))
        yield


def _make_template(folder: Path) -> None:
    study = make_study(
        folder / "study",
        prompts=3,
        arms=("base", "values_targeted"),
        per_item=K,
        seats=SEATS,
        rating_toml=EXERCISES,
    )
    site = make_site(study, now=Clock())
    with site.database.read() as tx:
        rows = tx.execute(sa.select(item)).all()
    Template.kinds = {row.id: row.kind for row in rows}
    Template.topics = {row.id: row.category for row in rows}
    Template.facts = site.facts
    Template.folder = folder
    Template.file = folder / "template.sqlite"
    with site.database.alone() as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert site.database.path is not None
    shutil.copy(site.database.path, Template.file)
    site.database.close()


class Contract(RuleBasedStateMachine):
    """People at work on six items that need two ratings each."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=Template.folder))
        shutil.copy(Template.file, self.folder / "r.sqlite")
        self.database: Database = open_database(self.folder / "r.sqlite")
        with self.database.alone() as raw:  # a crash of the machine is another test's subject
            raw.execute("PRAGMA synchronous=OFF")
            raw.execute("PRAGMA journal_mode=MEMORY")
        self.clock = Clock()
        self.people: list[str] = []
        self.session: dict[str, str] = {}
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        """Pages that were not sent yet, or were refused."""
        self.sent: dict[str, Sent] = {}
        self.expected: list[tuple[Any, ...]] = []
        """What the events must be: rater, item, revision, kind, value, surplus."""
        self.least: Counter[str] = Counter()
        self.keys = 0
        # small, so that breaks and caps come up within thirty steps
        self.rules = RatingConfig(
            per_item=K, seats=SEATS, daily_cap=8, break_items=3, break_minutes=20
        )

    def teardown(self) -> None:
        try:
            self.finish()
        finally:
            self.database.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # People

    def person(self, which: int) -> str:
        return self.people[which % len(self.people)]

    def new_person(self) -> str:
        with self.database.write() as tx:
            now = self.clock()
            token = raters.invite_link(tx, "personal", label="x", days=300, places=1, now=now)
            session = raters.join(tx, token, language="en", outside=None, now=now)
            who = raters.whose(tx, session, now)
            link = tx.execute(
                sa.select(invite.c.id).where(invite.c.secret == raters.hashed(token))
            ).scalar_one()
        assert who is not None
        assert who.person is not None
        name = str(who.person.id)
        self.people.append(name)
        self.session[name], self.links[name] = session, link
        return name

    def agree(self, who: str, unwanted: tuple[str, ...]) -> None:
        with self.database.write() as tx:
            raters.consent(tx, who, Template.facts, unwanted=unwanted, groups={}, now=self.clock())

    def signed_in(self, tx: sa.Connection, who: str) -> bool:
        found = raters.whose(tx, self.session[who], self.clock())
        return found is not None and found.person is not None and found.person.id == who

    @initialize(unwanted=st.lists(UNWANTED, min_size=2, max_size=3))
    def begin(self, unwanted: list[tuple[str, ...]]) -> None:
        for topics in unwanted:
            self.agree(self.new_person(), topics)

    @precondition(lambda self: len(self.people) < 6)
    @rule(unwanted=UNWANTED, agrees=st.booleans())
    def somebody_comes(self, unwanted: tuple[str, ...], agrees: bool) -> None:
        who = self.new_person()
        if agrees:
            self.agree(who, unwanted)

    @rule(which=ANY, agrees=st.booleans())
    def the_consent_page_is_sent_again(self, which: int, agrees: bool) -> None:
        if agrees:
            self.agree(self.person(which), ("topic-2",))
            return
        with self.database.write() as tx:
            raters.decline(tx, self.person(which), self.clock())

    # Pages

    def open_form(self, tx: sa.Connection, who: str, what: str) -> Form:
        last = work.current(tx, who, what)
        self.keys += 1
        form = Form(who, what, last.revision if last else 0, f"key-{self.keys:08d}")
        self.forms.append(form)
        return form

    def take(self, tx: sa.Connection, who: str, *, rested: bool) -> Form | None:
        """As the app does: hold the next item, and open its page."""
        stage = tx.execute(sa.select(rater.c.stage).where(rater.c.id == who)).scalar_one()
        if stage not in ("practice", "rating"):
            return None
        held = claim_next(tx, who, self.clock(), self.rules, rested=rested)[1]
        return self.open_form(tx, who, held) if held is not None else None

    @rule(which=ANY, rested=st.booleans())
    def claim_only(self, which: int, rested: bool) -> None:
        who = self.person(which)
        with self.database.write() as tx:
            if self.signed_in(tx, who):
                self.take(tx, who, rested=rested)

    @precondition(lambda self: self.expected)
    @rule(which=ANY)
    def open_an_answer_to_change_it(self, which: int) -> None:
        done = self.expected[which % len(self.expected)]
        with self.database.write() as tx:
            self.open_form(tx, done[0], done[1])

    @precondition(lambda self: self.forms)
    @rule(which=ANY)
    def open_the_same_page_in_another_tab(self, which: int) -> None:
        form = self.forms[which % len(self.forms)]
        with self.database.write() as tx:
            self.open_form(tx, form.rater, form.item)

    # Sending

    @precondition(lambda self: self.forms)
    @rule(which=ANY, said=SAID)
    def send_any_form(self, which: int, said: Any) -> None:
        """Late, out of order, stale, or again with something else in it."""
        self.send(self.forms[which % len(self.forms)], said)

    @precondition(lambda self: self.forms)
    @rule(back=st.integers(1, 4), said=SAID)
    def send_a_new_form(self, back: int, said: Any) -> None:
        self.send(self.forms[-min(back, len(self.forms))], said)

    @rule(which=ANY, said=SAID)
    def claim_and_answer(self, which: int, said: Any) -> None:
        self.work_for_a_while(which, 1, said)

    @rule(which=ANY, times=st.integers(2, 6), said=st.sampled_from([2, 4, "cannot"]))
    def work_for_a_while(self, which: int, times: int, said: Any) -> None:
        who = self.person(which)
        for _ in range(times):
            with self.database.write() as tx:
                form = self.take(tx, who, rested=True) if self.signed_in(tx, who) else None
            if form is None:
                return
            self.send(form, said)
            self.clock.step(20)

    @rule(said=st.sampled_from([1, 3, 4, 5]), times=st.integers(1, 4))
    def everybody_works(self, said: Any, times: int) -> None:
        for which in range(len(self.people)):
            self.work_for_a_while(which, times, said)

    @rule(which=ANY, how=st.sampled_from(["release", 31 * MINUTE, 80 * HOUR]), sent=st.booleans())
    def others_work_while_a_page_is_open(self, which: int, how: Any, sent: bool) -> None:
        who = self.person(which)
        with self.database.write() as tx:
            form = self.take(tx, who, rested=True) if self.signed_in(tx, who) else None
            if how == "release":
                release(tx, who)
        if how != "release":
            self.clock.step(how)
        for other in range(len(self.people)):
            if self.person(other) != who:
                self.work_for_a_while(other, 6, 4)
        if form is not None and sent:
            self.send(form, 5)

    @precondition(lambda self: self.sent)
    @rule(which=ANY)
    def send_the_same_again(self, which: int) -> None:
        sent = list(self.sent.values())[which % len(self.sent)]
        self.deliver(sent.rater, replace(sent.answer, seconds=99.0))

    @precondition(lambda self: self.sent)
    @rule(which=ANY, said=SAID)
    def send_something_else_under_the_same_key(self, which: int, said: Any) -> None:
        sent = list(self.sent.values())[which % len(self.sent)]
        form = Form(sent.rater, sent.answer.item, sent.answer.revision, sent.answer.key)
        self.send(form, said)

    @precondition(lambda self: self.forms)
    @rule(which=ANY, thief=ANY, said=SAID)
    def send_a_form_of_somebody_else(self, which: int, thief: int, said: Any) -> None:
        form = self.forms[which % len(self.forms)]
        self.send(replace(form, rater=self.person(thief)), said)

    def send(self, form: Form, said: Any) -> None:
        kind = "rate" if isinstance(said, int) else said
        value = said if kind == "rate" else None
        answer = Answer(form.key, form.item, form.revision, kind, value, REASONS[kind], seconds=1.0)
        self.deliver(form.rater, answer)

    def deliver(self, who: str, answer: Answer) -> None:
        with self.database.read() as tx:
            if not self.signed_in(tx, who):
                return
            outcome, surplus = self.predict(tx, who, answer)
        note(f"{who} {answer} -> {outcome}")
        if isinstance(outcome, int):
            with self.database.write() as tx:
                saved = work.submit(tx, who, answer, self.clock())
            assert saved.replayed
            assert saved.event == outcome
        elif outcome is None:
            with self.database.write() as tx:
                saved = work.submit(tx, who, answer, self.clock())
            assert not saved.replayed
            assert saved.surplus == surplus
            self.sent[answer.key] = Sent(who, answer, saved.event)
            self.forms = [form for form in self.forms if form.key != answer.key]
            self.expected.append(
                (
                    who,
                    answer.item,
                    answer.revision + 1,
                    answer.kind,
                    answer.value,
                    int(surplus),
                )
            )
        else:
            with pytest.raises(outcome), self.database.write() as tx:
                work.submit(tx, who, answer, self.clock())

    def predict(self, tx: sa.Connection, who: str, answer: Answer) -> tuple[Any, bool]:
        """What must come of a form: an event's number, an error, or None; and whether surplus."""
        if answer.key in self.sent:
            first = self.sent[answer.key]
            same = first.rater == who and replace(first.answer, seconds=answer.seconds) == answer
            return (first.event if same else KeyConflictError), False
        shown = tx.execute(
            sa.select(claim).where(claim.c.rater == who, claim.c.item == answer.item)
        ).first()
        if shown is None:
            return NotYoursError, False
        past = [row for row in self.expected if row[:2] == (who, answer.item)]
        if answer.revision != len(past):
            return StaleError, False
        slots = tx.execute(sa.select(slot).where(slot.c.item == answer.item)).all()
        mine = [row for row in slots if row.rater == who]
        if Template.kinds[answer.item] == "practice":
            return (NotYoursError if past and mine[0].done else None), False
        if past and (past[-1][3] in ("skip", "withdraw") or answer.kind == "skip"):
            return NotYoursError, False
        if mine or answer.kind == "skip":
            return None, False
        if past:
            return None, bool(past[-1][5])
        return None, not any(row.rater is None and not row.done for row in slots)

    # The clock and the owner

    @rule(seconds=st.sampled_from(STEPS))
    def step_the_clock(self, seconds: float) -> None:
        self.clock.step(seconds)

    @rule(which=ANY, to=ANY, reassign=st.booleans())
    def the_owner_releases(self, which: int, to: int, reassign: bool) -> None:
        other = self.person(to) if reassign else None
        with self.database.write() as tx:
            release(tx, self.person(which), to=other)

    @rule(which=ANY, how=st.sampled_from(["revoke", "keep", "forget", "withdraw"]))
    def somebody_leaves(self, which: int, how: str) -> None:
        who, now = self.person(which), self.clock()
        with self.database.write() as tx:
            if how == "revoke":
                raters.revoke(tx, self.links[who], now)
            elif how == "keep":
                assert forget(tx, who, ratings="keep", now=now) == 0
            elif how == "forget":
                count = forget(tx, who, ratings="withdraw", now=now)
            else:
                count = withdraw(tx, who, now)
        if how in ("forget", "withdraw"):
            assert count == self.note_withdrawn(who)

    def note_withdrawn(self, who: str) -> int:
        last = {}
        for row in self.expected:
            if row[0] == who:
                last.pop(row[1], None)  # in the order in which they were last answered
                last[row[1]] = row
        gone = [row for row in last.values() if row[3] != "withdraw"]
        for row in gone:
            self.expected.append((who, row[1], row[2] + 1, "withdraw", None, row[5]))
        self.least = Counter()  # counts may fall here, and only here
        return len(gone)

    # What must always hold

    @invariant()
    def everything_holds(self) -> None:
        with self.database.read() as tx:
            assert broken_rules(tx, K) == []
            look = tx.exec_driver_sql  # five queries at each of a few hundred thousand steps
            events = look("SELECT * FROM event ORDER BY id").all()
            slots = look("SELECT item, seat, rater, done FROM slot").all()
            shown = {tuple(row) for row in look("SELECT rater, item FROM claim")}
            left_out = {tuple(row) for row in look("SELECT rater, category FROM opt_out")}
            seated = dict(
                tuple(row)
                for row in look(
                    "SELECT seat.number, seat.rater FROM seat JOIN rater ON rater.id = seat.rater "
                    "WHERE rater.stage IN ('practice', 'rating', 'guess')"
                )
            )
        # what was acknowledged is there, once, in its order; and nothing else is
        assert [
            (e.rater, e.item, e.revision, e.kind, e.value, e.surplus) for e in events
        ] == self.expected
        by_key = {e.key: e for e in events}
        assert len(by_key) == len(events)
        for key, sent in self.sent.items():
            assert (by_key[key].id, by_key[key].item) == (sent.event, sent.answer.item)
        # counts by the model alone
        last = {(row[0], row[1]): row for row in self.expected}
        counted = Counter(
            what
            for (_, what), row in last.items()
            if Template.kinds[what] == "study" and row[3] in ("rate", "cannot") and not row[5]
        )
        assert all(n <= K for n in counted.values())
        assert all(counted[what] >= n for what, n in self.least.items())
        self.least = counted
        studied = [row for row in slots if Template.kinds[row.item] == "study"]
        assert Counter(row.item for row in studied if row.done) == counted
        # nobody is shown what they left out, or holds two items
        assert not {(who, Template.topics[what]) for who, what in shown} & left_out
        holding = Counter(row.rater for row in studied if row.rater and not row.done)
        assert all(n == 1 for n in holding.values())
        # no item waits in the seat of somebody who can never be shown it
        for row in studied:
            who = seated.get(row.seat) if row.rater is None else None
            assert who is None or (who, row.item) not in shown
            assert who is None or (who, Template.topics[row.item]) not in left_out

    def finish(self) -> None:
        """However it went: let new raters come, and every item gets exactly k."""
        self.clock.step(10 * DAY)  # whoever is there still is away now
        self.rules = RatingConfig(per_item=K, seats=SEATS, **NEVER)
        with self.database.read() as tx:
            free = sa.select(sa.func.count()).where(seat.c.rater.is_(None))
            seats = tx.execute(free).scalar_one()
        missing = K - min(self.least[n] for n, kind in Template.kinds.items() if kind == "study")
        new = [self.new_person() for _ in range(max(seats, missing))]
        for who in new:
            self.agree(who, ())
            with self.database.write() as tx:  # practice and gold have had their part above
                tx.execute(slot.delete().where(slot.c.rater == who))
                tx.execute(rater.update().where(rater.c.id == who).values(stage="rating"))
        for who in new:
            while True:
                with self.database.write() as tx:
                    form = self.take(tx, who, rested=True)
                if form is None:
                    break
                self.send(form, 4)
        self.everything_holds()
        assert [self.least[n] for n, kind in Template.kinds.items() if kind == "study"] == [K] * 6


TestContract = Contract.TestCase
TestContract.settings = SETTINGS
