"""Progress writes plain lines where there is no terminal, and bars where there is one."""

from __future__ import annotations

import io
import sys

import pytest

from mores import progress as module
from mores.progress import Progress, duration


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
        task.advance(10)  # too soon for a line
        clock[0] += 15
        task.advance(40, "loss 1.0")  # 50 of 200 in 20 s: 60 s left
        clock[0] += 1
        task.advance(10)
        clock[0] += 60
        task.advance(140)  # the end needs no line
        task.finish("done")
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "  sampling: 25 %, 1 min left loss 1.0\n"


def test_nothing_counted_yet_says_so(clock, capsys):
    with Progress() as progress:
        task = progress.task("x", total=0)
        assert (task._share(), task._left()) == ("0 %", "…")
        clock[0] += 20
        task = progress.task("y", total=3)
        clock[0] += 20
        task.advance(0)
    assert capsys.readouterr().err == "  y: 0 %, … left\n"


def test_what_an_earlier_run_did_does_not_count_towards_the_rate(clock, capsys):
    with Progress() as progress:
        task = progress.task("sampling", total=200)
        task.resume(100)  # where the interrupted run had come to
        clock[0] += 20
        task.reach(150)  # 50 in 20 s: 20 s left
    assert capsys.readouterr().err == "  sampling: 75 %, 20 s left\n"


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


def test_the_display_is_taken_down_after_an_error(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    progress = Progress()
    with pytest.raises(RuntimeError), progress:
        raise RuntimeError
    assert progress._live is None
