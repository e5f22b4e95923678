"""Progress writes plain lines where there is no terminal, and bars where there is one."""

from __future__ import annotations

import io
import sys

import pytest

from mores import progress as module
from mores.progress import Progress, duration, roughly


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (48.4, "48 s"),
        (59.6, "1 min"),
        (60, "1 min"),
        (190, "3 min 10 s"),
        (3599, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_durations_as_people_say_them(seconds, text):
    assert duration(seconds) == text


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_lines_come_at_intervals_with_share_and_time_left(clock, capsys):
    with Progress() as progress:
        task = progress.task("sampling", total=200, unit="tokens")
        clock[0] += 5
        task.advance(10)  # too soon for a line; time runs from here
        clock[0] += 15
        task.advance(40, "loss 1.0")  # 40 in 15 s and 150 of 200 left: 56.25 s
        clock[0] += 1
        task.advance(10)
        clock[0] += 60
        task.advance(140)  # the end needs no line
        task.finish("done")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "  sampling: 25 %, 56 s left loss 1.0\n"


def test_nothing_is_said_of_time_where_nothing_is_known(clock, capsys):
    with Progress() as progress:
        task = progress.task("x", total=0)
        assert (task._share(), task.left()) == ("0 %", "")
        task = progress.task("y", total=3)
        clock[0] += 20
        task.advance(0)
    assert capsys.readouterr().err == "  y: 0 %\n"


@pytest.mark.parametrize(
    ("planned", "first"),
    [
        # Ten in 60 s, most of it for loading, would make it 39 minutes for the others.
        (None, "  sample: 2 %\n"),
        (125.0, "  sample: 2 %, about 2 min by plan\n"),
    ],
)
def test_a_first_batch_that_also_pays_for_loading_makes_no_forecast(clock, capsys, planned, first):
    with Progress() as progress:
        task = progress.task("sample", total=400, planned=planned)
        clock[0] += 60
        task.advance(10)
        assert capsys.readouterr().err == first
        for _ in range(5):  # 10 in 3 s
            clock[0] += 3
            task.advance(10)
    # At 10 in 3 s, the 340 left take 102 s.
    assert capsys.readouterr().err == "  sample: 15 %, 1 min 42 s left\n"


def test_the_plan_is_said_at_once_and_until_the_rate_says_something(clock, capsys):
    with Progress() as progress:
        task = progress.task("tune", total=100, planned=1000.0)
        assert task.left() == "about 17 min by plan"
        clock[0] += 2
        task.advance(1, "step 1")
        assert capsys.readouterr().err == "  tune: 1 %, about 16 min by plan step 1\n"
        clock[0] += 2
        task.advance(1)
        clock[0] += 2
        task.advance(1)
        assert task.left() == "about 16 min by plan"  # 4 s and two advances
        clock[0] += 2
        task.advance(1)  # 3 in 6 s: 96 left in 192 s
        assert task.left() == "3 min 12 s left"
        assert capsys.readouterr().err == ""


def test_five_per_cent_are_as_good_as_three_advances(clock):
    task = Progress(quiet=True).task("x", total=100)
    task.advance(1)
    clock[0] += 6
    task.advance(4.9)
    assert task.left() == ""
    task = Progress(quiet=True).task("x", total=100)
    task.advance(1)
    clock[0] += 6
    task.advance(5)
    assert task.left() == "1 min 53 s left"  # 94 at 5 in 6 s: 112.8 s


def test_time_left_goes_down_while_a_batch_is_under_way_and_stops_where_it_should_be_done(clock):
    task = Progress(quiet=True).task("x", total=100)
    for _ in range(5):
        clock[0] += 10
        task.advance(10)
    assert task.left() == "50 s left"
    clock[0] += 4
    assert task.left() == "46 s left"
    clock[0] += 60  # late: no more than one batch can be under way
    assert task.left() == "40 s left"


def test_an_old_rate_is_forgotten(clock):
    task = Progress(quiet=True).task("x", total=1000)
    for _ in range(100):
        clock[0] += 10
        task.advance(1)
    assert task.left() == "2 h 30 min left"  # 900 at one in 10 s
    for _ in range(module.POINTS):
        clock[0] += 1
        task.advance(4)
    assert task.left() == "1 min 45 s left"  # 420 at 4 a second


def test_advances_many_a_second_are_remembered_as_far_as_others(clock):
    task = Progress(quiet=True).task("x", total=100_000)
    for _ in range(5000):
        clock[0] += 0.1
        task.advance(1)
    assert task.left() == "2 h 38 min left"  # 95,000 at 10 a second
    assert len(task._pace._points) == module.POINTS


def test_what_an_earlier_run_did_does_not_count_towards_the_rate(clock, capsys):
    with Progress() as progress:
        task = progress.task("sampling", total=200, planned=400.0)
        task.resume(100)  # where the interrupted run had come to
        assert task.left() == "about 3 min by plan"
        clock[0] += 1
        task.reach(110)
        clock[0] += 20
        task.reach(130)  # 20 in 20 s: 70 s left
        task.skip(50)  # a part that lay there
        assert task.left() == "20 s left"
    assert capsys.readouterr().err == (
        "  sampling: 55 %, about 3 min by plan\n  sampling: 65 %, 1 min 10 s left\n"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "5 s"),
        (12.6, "15 s"),
        (57.4, "55 s"),
        (57.6, "1 min"),
        (89, "1 min"),
        (130, "2 min"),
        (3569, "59 min"),
        (3571, "1 h 0 min"),
        (7380, "2 h 0 min"),
        (7600, "2 h 10 min"),
    ],
)
def test_a_guess_is_not_said_to_the_second(seconds, text):
    assert roughly(seconds) == text


def test_quiet_says_nothing(capsys, clock):
    with Progress(quiet=True) as progress:
        task = progress.task("x", total=3)
        clock[0] += 100
        task.advance(1)
        progress.say("hello")
    assert capsys.readouterr() == ("", "")


def test_lines_go_to_standard_error(capsys):
    Progress().say("hello [bold]")
    assert capsys.readouterr() == ("", "hello [bold]\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_bars_and_lines_without_markup(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress() as progress:
        task = progress.task("tuning", total=10, unit="tokens")
        task.advance(5, "step 1")
        progress.say("said [red]in between[/red]")
        task.finish("all done")
        assert task.done == 10
    text = terminal.getvalue()
    assert "said [red]in between[/red]" in text
    assert "tuning" in text
    assert "100 %" in text
    assert "all done" in text
    assert progress._live is None


def test_bars_say_the_same_of_time_as_lines(monkeypatch, clock):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress() as progress:
        task = progress.task("tuning", total=100, planned=130.0)
        progress._live.refresh()
        assert "about 2 min by plan" in terminal.getvalue()
        for _ in range(5):
            clock[0] += 2
            task.advance(10)
        progress._live.refresh()
        assert "10 s left" in terminal.getvalue()  # 50 at 5 a second
        assert "-:--:--" not in terminal.getvalue()


def test_the_display_is_taken_down_after_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    progress = Progress()
    with pytest.raises(RuntimeError), progress:
        raise RuntimeError
    assert progress._live is None
