"""Who is missing against a target: by hand; nobody is a number, not shown is none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mores.consult import Participant, Question
from mores.consult.agreement import NOT_SAID
from mores.consult.model import Opened
from mores.consult.turnout import turnout

ROLE = Question(
    id="role",
    text="What is your part?",
    options=("nurse", "lawyer", "patient"),
    target={"nurse": 0.5, "lawyer": 0.2, "patient": 0.3},
    invited={"nurse": 30, "lawyer": 12},
)


def people(**counts):
    said = [role for role, n in counts.items() for _ in range(n)]
    return [
        Participant(id=f"p{i}", joined="", declared={} if role == "none" else {"role": role})
        for i, role in enumerate(said)
    ]


def groups(found):
    return {g.group: g for g in found.groups}


def test_shares_by_hand():
    found = turnout(ROLE, people(nurse=6, lawyer=10, patient=24, none=8), None, least=5)
    rows = groups(found)
    assert found.declared == 40
    # Half of 40 is 20, 14 short; a fifth is 8 and three tenths are 12: both met.
    assert [rows[g].missing for g in ROLE.options] == [14, 0, 0]
    assert [rows[g].invited for g in ROLE.options] == [30, 12, None]
    assert rows["nurse"].share.value == pytest.approx(6 / 40)
    assert (rows[NOT_SAID].answered, rows[NOT_SAID].target) == (8, None)


def test_numbers_of_people_and_nobody():
    asked = replace(ROLE, target_unit="count", target={"nurse": 10, "lawyer": 5.5})
    rows = groups(turnout(asked, people(nurse=7, patient=9, none=5), None, least=5))
    assert (rows["nurse"].missing, rows["lawyer"].missing, rows["patient"].missing) == (3, 6, None)
    assert rows["lawyer"].answered == 0


def test_a_small_group_is_not_shown_nor_what_tells_it():
    found = turnout(ROLE, people(nurse=20, lawyer=3, patient=12, none=9), None, least=5)
    rows = groups(found)
    assert (rows["lawyer"].answered, rows["lawyer"].missing) == (None, None)
    assert rows["lawyer"].withheld == "fewer than 5 people"
    # Those who did not say are the smallest of the others: with them goes how many said something.
    assert rows[NOT_SAID].answered is None
    assert found.declared is None
    assert (rows["nurse"].answered, rows["nurse"].share, rows["nurse"].missing) == (20, None, None)


def test_what_is_no_option_any_more_counts_as_not_said():
    found = turnout(ROLE, people(nurse=6, plumber=7), None, least=5)
    assert found.strays == 7
    assert groups(found)[NOT_SAID].answered == 7
    found = turnout(ROLE, people(nurse=6, plumber=2), None, least=5)
    assert found.strays is None


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (
            {"role": ROLE.target},
            "the target was stated before the first participant came (2026-01-05)",
        ),
        ({}, "the target was stated after the consultation opened (2026-01-05)"),
        (
            {"role": {"nurse": 0.9}},
            "the target was changed after the consultation opened (2026-01-05); it was: nurse 0.9",
        ),
    ],
)
def test_when_the_target_was_stated(targets, said):
    opened = Opened(time="2026-01-05T08:00:00Z", targets=targets, invited=None)
    assert turnout(ROLE, people(nurse=6), opened, least=5).stated == said


def test_without_a_target_or_an_opening():
    plain = replace(ROLE, target={})
    assert turnout(plain, [], None, least=5).stated == "no target was stated"
    assert turnout(ROLE, [], None, least=5).stated.startswith("nothing shows when")
