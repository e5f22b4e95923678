"""Raters at work in headless Chromium, against the real server.

Everything is found by role and label, as people find it; the database is then asked what it holds.
"""

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest
import sqlalchemy as sa
from browse import (
    ARABIC,
    ENGLISH,
    Live,
    begin,
    enter,
    free_port,
    give,
    person,
    practise,
    practise_one,
    press,
    settled,
    shown,
    small_study,
    words,
)

from browser_checks import no_sideways
from mores.rate.db.tables import cues, declared, event, guess, opt_out, rater
from mores.rate.opened import place_of
from mores.web.database import open_database

LOST = "Failed to load resource"
"""What Chromium writes into the console for a request that came to nothing."""
FEEDBACK = {
    "Yes, it is.": "A 5 fits: it is in the spirit of the position.",
    "The of is and.": "There is nothing to compare.",
}


@pytest.fixture
def live(tmp_path):
    """Twelve texts for one rater, without practice."""
    with Live(small_study(tmp_path / "study", rating_toml=None)) as opened:
        yield opened


def said(live, **more):
    """(kind, value, reason, remark) of every answer, oldest first."""
    return [(e.kind, e.value, e.reason, e.remark) for e in live.events(**more)]


def expect(locator, text=None):
    """Wait until something is to be seen, and holds a text."""
    from playwright.sync_api import expect as wait

    wait(locator).to_be_visible(timeout=20_000)
    if text is not None:
        wait(locator).to_contain_text(text, timeout=20_000)


def heading(page, text, tag="en"):
    expect(page.get_by_role("heading", name=words(text, tag), exact=True))


# With the mouse ----------------------------------------------------------------------------


def test_with_the_mouse(tmp_path, browser):
    study = small_study(tmp_path / "study", break_items=3)
    with Live(study) as live, person(browser, live) as page:
        page.goto(live.link())
        assert live.rows(sa.select(rater)) == []  # opening a link changes nothing
        press(page, "Continue")
        topic = page.get_by_role("checkbox", name="I would rather not rate this topic")
        heading(page, "Before you start")
        assert topic.count() == 2
        topic.nth(1).check()
        page.get_by_label("How old are you?").select_option("18 to 34")
        press(page, "I agree and start")

        # Practice: one answer that we see differently, one that fits (half of them must fit).
        press(page, "Show the next text")
        text = practise_one(page, right=False)
        heading(page, "We see this one differently")
        expect(page.get_by_text(FEEDBACK[text]))
        press(page, "Next text")
        text = practise_one(page)
        heading(page, "Yes, that fits")
        expect(page.get_by_text(FEEDBACK[text]))
        press(page, "Start rating")

        # A comment and a flag.
        first = shown(page)
        expect(page.get_by_role("complementary"), "Support what is kind in topic 1")
        expect(page.locator("progress"))
        expect(page.get_by_text("0 of 6 done"))
        page.get_by_text("Comment or report").click()
        page.get_by_label("Comment (optional, please without names)").fill("Rather <b>short</b>")
        page.get_by_label("This text is upsetting or harmful").check()
        assert give(page, 4) == first
        expect(page.get_by_role("status"), "Saved")

        # It cannot be rated: the reason's list shows once it is chosen.
        second = shown(page)
        assert not page.get_by_label("Why?", exact=True).is_visible()
        page.get_by_role("radio", name="It cannot be rated").check()
        page.get_by_label("Why?", exact=True).select_option(label="It is about something else")
        press(page, "Save and next")
        settled(page, second)

        # Skipped, though a number was chosen: the button wins.
        third = shown(page)
        page.get_by_role("radio", name="5").check()
        page.get_by_text("Skip this text").click()
        page.get_by_label("Why would you rather skip it?").select_option(label="It upsets me")
        press(page, "Skip")
        heading(page, "Time for a break?")
        press(page, "Continue")

        # The last answer, changed.
        fourth = give(page, 2)
        page.get_by_role("link", name="Change your last answer").click()
        heading(page, "Change your answer")
        assert shown(page) == fourth
        assert page.get_by_role("radio", name="2").is_checked()
        page.get_by_role("radio", name="5").check()
        press(page, "Save the change")
        settled(page, fourth)

        fifth, sixth = give(page, 1), give(page, 3)
        heading(page, "One last question")
        guessed = page.get_by_role("group")
        asked = {
            field.get_attribute("name").removeprefix("guess_")
            for field in page.get_by_role("radio", name="not tuned").all()
        }
        assert asked == {first, fourth, fifth, sixth}
        names = {}
        for n, choice in ((0, "tuned"), (1, "not tuned"), (2, "I cannot tell")):
            button = guessed.nth(n).get_by_role("radio", name=choice, exact=True)
            button.check()
            names[button.get_attribute("name").removeprefix("guess_")] = button.input_value()
        page.get_by_label("What did you go by? (optional)").fill("The tone")
        press(page, "Send and finish")
        heading(page, "Thank you. You are done.")
        expect(page.get_by_text("You rated 6 texts. All of them are saved."))
        expect(page.get_by_text("0800 000 000"))

        assert said(live) == [
            ("rate", 4, "", "Rather <b>short</b>"),
            ("cannot", None, "off_topic", None),
            ("skip", None, "upsetting", None),
            ("rate", 2, "", None),
            ("rate", 5, "", None),
            ("rate", 1, "", None),
            ("rate", 3, "", None),
        ]
        tried = live.events(practice=True)[:2]
        wanted = {"Yes, it is.": ("rate", 5), "The of is and.": ("cannot", None)}
        assert (tried[0].kind, tried[0].value) == ("rate", 2)
        assert (tried[1].kind, tried[1].value) == wanted[tried[1].output]
        events = live.events()
        assert [e.item for e in events] == [first, second, third, fourth, fourth, fifth, sixth]
        assert [e.revision for e in events] == [1, 1, 1, 1, 2, 1, 1]
        assert [e.flagged for e in events] == [1, 0, 0, 0, 0, 0, 0]
        assert all(e.seconds is not None and 0.0 < e.seconds < 60.0 for e in events)
        assert live.rows(sa.select(opt_out.c.category)) == [("topic-2",)]
        assert live.rows(sa.select(declared.c.question, declared.c.answer)) == [("age", "18 to 34")]
        assert dict(live.rows(sa.select(guess.c.item, guess.c.answer))) == names
        assert live.rows(sa.select(cues.c.text)) == [("The tone",)]
        assert live.rows(sa.select(rater.c.stage)) == [("done",)]


def test_no_thank_you_stores_no_rating(live, browser):
    with person(browser, live) as page:
        page.goto(live.link())
        press(page, "Continue")
        press(page, "No, thank you")
        heading(page, "That is fine")
        assert live.rows(sa.select(rater.c.stage)) == [("declined",)]
        assert live.events(practice=True) == []


def test_gate_ends_it_kindly_after_a_second_try(tmp_path, browser):
    """Practice answered wrongly twice: the study ends, and nothing of the study was shown."""
    with Live(small_study(tmp_path / "study")) as live, person(browser, live) as page:
        enter(page, live.link())
        press(page, "Show the next text")
        for n in range(4):
            practise_one(page, right=False)
            heading(page, "We see this one differently")
            press(page, "Next text" if n % 2 == 0 else "Start rating")
        heading(page, "Thank you for trying")
        assert live.rows(sa.select(rater.c.stage)) == [("gated",)]
        assert live.events() == []


# With the keyboard alone -------------------------------------------------------------------

FOCUS = """() => {
  const at = document.activeElement, around = [at, at.closest("label")].filter(Boolean);
  const seen = around.some(one => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const box = (at.closest("label") || at).getBoundingClientRect();
  const inside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const named = at.labels && at.labels.length ? at.labels[0] : at;
  return [named.innerText.replace(/\\s+/g, " ").trim(), at.tagName, seen, inside];
}"""


def tab_to(page, name, key="Tab"):
    """Press Tab until the control with this name has the focus, which must be seen all the way."""
    passed = []
    for _ in range(60):
        page.keyboard.press(key)
        text, tag, seen, inside = page.evaluate(FOCUS)
        if tag == "BODY":
            continue
        assert seen, f"no focus to be seen on {tag} {text!r}"
        assert inside, f"the focus is out of sight on {tag} {text!r}"
        if text.startswith(name):
            return
        passed.append(text)
    raise AssertionError(f"Tab never came to {name!r}, only to {passed}")


def test_with_the_keyboard_alone(tmp_path, browser):
    """Tab, arrows, Enter and Space; no shortcut."""
    with Live(small_study(tmp_path / "study")) as live, person(browser, live) as page:
        page.goto(live.link())
        tab_to(page, "Continue")
        page.keyboard.press("Enter")
        page.wait_for_url("**/begin")
        page.wait_for_load_state("load")
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUS)[0] == "Skip to the content"
        page.keyboard.press("Enter")
        tab_to(page, "I would rather not rate this topic")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        tab_to(page, "How old are you?")
        page.keyboard.press("ArrowDown")
        tab_to(page, "I agree and start")
        page.keyboard.press("Space")
        heading(page, "Ready when you are")
        tab_to(page, "Show the next text")
        page.keyboard.press("Enter")

        for button in ("Next text", "Start rating"):
            shown(page)
            tab_to(page, "1")
            if page.locator(".output").inner_text() == "Yes, it is.":
                for _ in range(4):
                    page.keyboard.press("ArrowRight")
            else:  # one back from 1 is the last, "cannot", which shows the list of reasons
                page.keyboard.press("ArrowUp")
                tab_to(page, "Why?")
            tab_to(page, "Save and next")
            page.keyboard.press("Enter")
            heading(page, "Yes, that fits")
            tab_to(page, button)
            page.keyboard.press("Enter")

        first = shown(page)  # chosen with Space, saved with Enter on the radio
        tab_to(page, "1")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        settled(page, first)
        second = shown(page)  # comment and flag
        tab_to(page, "1")
        page.keyboard.press("ArrowDown")
        tab_to(page, "Comment or report")
        page.keyboard.press("Enter")
        tab_to(page, "Comment (optional")
        page.keyboard.type("Hm.")
        tab_to(page, "This text is upsetting")
        page.keyboard.press("Space")
        tab_to(page, "Save and next", key="Shift+Tab")
        page.keyboard.press("Enter")
        settled(page, second)
        third = shown(page)  # skipped
        tab_to(page, "Skip this text")
        page.keyboard.press("Space")
        tab_to(page, "Why would you rather skip it?")
        page.keyboard.press("ArrowDown")
        tab_to(page, "Skip")
        page.keyboard.press("Enter")
        settled(page, third)
        shown(page)
        tab_to(page, "Stop")
        page.keyboard.press("Enter")
        heading(page, "You have stopped")

        assert said(live) == [
            ("rate", 1, "", None),
            ("rate", 2, "", "Hm."),
            ("skip", None, "language", None),
        ]
        assert [e.flagged for e in live.events()] == [0, 1, 0]
        assert live.rows(sa.select(opt_out.c.category)) == [("topic-2",)]
        assert live.rows(sa.select(declared.c.answer)) == [("18 to 34",)]


def chosen(page):
    return page.evaluate(
        "(document.querySelector('#rate [name=answer]:checked') || {value: ''}).value"
    )


def test_shortcuts(live, browser):
    with person(browser, live) as page:
        begin(page, live.link())
        for digit in "135":  # keys 1 to 5, a second thought, Enter
            before = shown(page)
            page.keyboard.press("2")
            page.keyboard.press(digit)
            assert chosen(page) == digit
            assert page.evaluate(FOCUS)[2]
            page.keyboard.press("Enter")
            settled(page, before)
        before = shown(page)
        page.keyboard.press("0")
        assert chosen(page) == "cannot"
        page.keyboard.press("4")
        assert chosen(page) == "4"
        for other in ("Control+1", "Alt+2", "6", "9", "a"):  # none of our business
            page.keyboard.press(other)
        assert chosen(page) == "4"
        page.get_by_text("Comment or report").click()
        page.get_by_label("Comment (optional, please without names)").click()
        page.keyboard.type("1 2 3 0 x")
        page.keyboard.press("Enter")
        page.keyboard.type("5")
        assert chosen(page) == "4"  # digits in the comment are the comment's
        assert shown(page) == before  # and Enter there is a new line
        press(page, "Save and next")
        settled(page, before)
        assert said(live) == [
            ("rate", 1, "", None),
            ("rate", 3, "", None),
            ("rate", 5, "", None),
            ("rate", 4, "", "1 2 3 0 x\n5"),
        ]

        before = shown(page)
        press(page, "Turn keyboard shortcuts off")
        expect(page.get_by_role("button", name="Turn keyboard shortcuts on"))
        assert shown(page) == before
        for key in "123450x":
            page.keyboard.press(key)
        page.keyboard.press("Enter")
        assert chosen(page) == ""
        assert len(live.events()) == 4
        assert live.rows(sa.select(rater.c["keys"])) == [(0,)]
        press(page, "Turn keyboard shortcuts on")
        expect(page.get_by_role("button", name="Turn keyboard shortcuts off"))
        shown(page)
        page.keyboard.press("5")
        assert chosen(page) == "5"


# Without JavaScript ------------------------------------------------------------------------


def test_without_javascript(tmp_path, browser):
    study = small_study(tmp_path / "study", prompts=2)
    with Live(study) as live, person(browser, live, java_script_enabled=False) as page:
        page.goto(live.link())
        press(page, "Continue")
        page.get_by_role("checkbox", name="I would rather not rate this topic").nth(1).check()
        press(page, "I agree and start")
        practise(page)
        assert not page.get_by_text("Turn keyboard shortcuts").is_visible()  # there are none
        press(page, "Save and next")  # nothing chosen: the browser itself says so
        first = shown(page)
        page.get_by_text("Comment or report").click()
        page.get_by_label("Comment (optional, please without names)").fill("Plain")
        page.get_by_role("radio", name="3").check()
        page.get_by_role("button", name="Save and next").dblclick()
        expect(page.get_by_role("status"), "Saved")
        expect(page.get_by_text("1 of 3 done"))
        assert shown(page) != first
        page.get_by_role("radio", name="It cannot be rated").check()
        press(page, "Save and next")
        expect(page.get_by_text("2 of 3 done"))
        page.get_by_text("Skip this text").click()
        press(page, "Skip")
        heading(page, "One last question")
        page.get_by_role("radio", name="I cannot tell").first.check()
        press(page, "Send and finish")
        heading(page, "Thank you. You are done.")
        assert said(live) == [
            ("rate", 3, "", "Plain"),
            ("cannot", None, "incoherent", None),
            ("skip", None, "upsetting", None),
        ]
        assert [e.seconds for e in live.events(practice=True)] == [None] * 5
        assert live.rows(sa.select(guess.c.answer)) == [("unsure",)]


# On a telephone, in Arabic -----------------------------------------------------------------

PHONE = {"width": 360, "height": 740}


def test_on_a_phone_in_arabic(tmp_path, browser):
    study = small_study(
        tmp_path / "study",
        prompts=2,
        arms=("base", "control"),
        outputs=lambda prompt, arm, draw: ENGLISH if arm == "base" else ARABIC + "x" * 200,
        break_items=3,
    )
    phone = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "locale": "ar"}
    with Live(study) as live, person(browser, live, **phone) as page:

        def look():
            assert page.locator("html").get_attribute("dir") == "rtl"
            assert page.locator("html").get_attribute("lang") == "ar"
            page.set_viewport_size({"width": 320, "height": 640})
            no_sideways(page, 320)
            page.set_viewport_size(PHONE)
            no_sideways(page, PHONE["width"])

        def tap(name):
            page.get_by_role("button", name=words(name, "ar"), exact=True).tap()

        page.goto(live.link())
        look()
        tap("Continue")
        heading(page, "Before you start", "ar")
        look()
        tap("I agree and start")
        heading(page, "Ready when you are", "ar")
        look()
        tap("Show the next text")
        for n in range(2):
            shown(page)
            look()
            practise_one(page, "ar")
            heading(page, "Yes, that fits", "ar")
            look()
            tap("Start rating" if n else "Next text")
        directions = {}
        for n in range(4):
            before = shown(page)
            look()
            output = page.locator(".output")
            text = output.inner_text()
            directions[text[:10]] = output.evaluate("one => getComputedStyle(one).direction")
            page.get_by_role("radio", name=str(n + 1)).check()
            tap("Save and next")
            settled(page, before)
            if n == 2:
                heading(page, "Time for a break?", "ar")
                look()
                tap("Continue")
        assert directions == {ENGLISH[:10]: "ltr", ARABIC[:10]: "rtl"}
        heading(page, "One last question", "ar")
        look()
        tap("Send and finish")
        heading(page, "Thank you. You are done.", "ar")
        look()
        assert [e.value for e in live.events()] == [1, 2, 3, 4]
        assert live.rows(sa.select(rater.c.stage, rater.c.language)) == [("done", "ar")]


# When the network or the server fails ------------------------------------------------------


def test_offline_nothing_is_lost_and_it_is_saved_once(live, browser):
    with person(browser, live, quiet=LOST) as page:
        begin(page, live.link())
        first = shown(page)
        page.get_by_text("Comment or report").click()
        remark = page.get_by_label("Comment (optional, please without names)")
        remark.fill("On the train")
        page.get_by_role("radio", name="4").check()
        page.context.set_offline(True)
        press(page, "Save and next")
        expect(page.get_by_text("Not saved yet."))
        page.get_by_role("button", name="Save and next").click(force=True)  # does no harm
        assert shown(page) == first
        assert remark.input_value() == "On the train"
        assert chosen(page) == "4"
        assert live.events() == []
        page.context.set_offline(False)
        settled(page, first)
        expect(page.get_by_role("status"), "Saved")
        assert said(live) == [("rate", 4, "", "On the train")]


def test_answer_lost_on_its_way_back_is_saved_once(live, browser):
    """The server saves, but the browser never hears of it: the same form goes out again."""
    with person(browser, live, quiet=LOST) as page:
        begin(page, live.link())
        first = shown(page)
        sent = []

        def swallow(route):
            sent.append(route.request.post_data)
            if len(sent) == 1:
                route.fetch(max_redirects=0)
                route.abort("connectionreset")
            else:
                route.continue_()

        page.route("**/rate", lambda route: _posts(route, swallow))
        give(page, 2)
        assert len(sent) == 2
        assert sent[0] == sent[1]
        assert said(live) == [("rate", 2, "", None)]
        assert [e.item for e in live.events()] == [first]


def _posts(route, then):
    if route.request.method == "POST":
        then(route)
    else:
        route.continue_()


def test_page_closed_while_offline_delivers_later(live, browser):
    """The answer waits in the browser, and goes out when the link is opened again."""
    with person(browser, live, quiet=LOST) as page:
        link = live.link()
        begin(page, link)
        first = shown(page)
        page.get_by_role("radio", name="5").check()
        page.context.set_offline(True)
        press(page, "Save and next")
        expect(page.get_by_text("Not saved yet."))
        page.close()
        page.context.set_offline(False)
        again = page.context.new_page()
        again.goto(link)
        press(again, "Continue")
        settled(again, first)
        expect(again.get_by_role("status"), "Saved")
        assert [(e.item, e.value) for e in live.events()] == [(first, 5)]
        assert again.evaluate("localStorage.length") == 0


def start_server(study, port):
    """`mores rate serve`, as a process; returns it with its output up to the owner's link."""
    command = [sys.executable, "-c", "from mores.cli import main; main()", "rate", "serve"]
    process = subprocess.Popen(
        [*command, str(study.folder), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("running"):
            return process, "".join(lines)
    process.wait(timeout=30)
    process.stdout.close()
    raise AssertionError("".join(lines))


def answers_there(port):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).text
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the server does not answer")


def test_server_killed_between_form_and_answer(tmp_path, browser):
    """kill -9 while a form is open; sent into the void; the restarted server keeps it once."""
    study, port = small_study(tmp_path / "study", rating_toml=None), free_port()
    server, told = start_server(study, port)
    context = browser.new_context()
    try:
        answers_there(port)
        page = context.new_page()
        begin(page, re.search(r"http://\S+/r/\S+", told).group())
        give(page, 3)
        second = shown(page)
        server.send_signal(signal.SIGKILL)
        server.wait(timeout=30)
        server.stdout.close()
        page.get_by_role("radio", name="1").check()
        press(page, "Save and next")
        expect(page.get_by_text("Not saved yet."))
        server, _ = start_server(study, port)
        settled(page, second)
        expect(page.get_by_text("2 of 12 done"))
        give(page, 5)
    finally:
        context.close()
        server.terminate()
        server.wait(timeout=30)
        server.stdout.close()
    database = open_database(place_of(study, None), read_only=True)
    with database.read() as tx:
        rows = tx.execute(sa.select(event.c.item, event.c.value).order_by(event.c.id)).all()
    database.close()
    assert [row.value for row in rows] == [3, 1, 5]
    assert rows[1].item == second


def test_two_tabs_are_told_apart(live, browser):
    with person(browser, live, quiet=LOST) as page:
        begin(page, live.link())
        first = shown(page)
        other = page.context.new_page()
        other.goto(live.url("/rate"))
        assert shown(other) == first
        give(page, 4)

        other.get_by_text("Comment or report").click()
        other.get_by_label("Comment (optional, please without names)").fill("From the second tab")
        other.get_by_role("radio", name="2").check()
        press(other, "Save and next")
        notice = other.get_by_role("alert")
        heading(other, "This answer was changed elsewhere")
        expect(notice, ": 4.")
        expect(notice, "You have just sent: 2.")
        assert shown(other) == first
        assert chosen(other) == "2"
        kept = other.get_by_label("Comment (optional, please without names)")
        assert kept.is_visible()
        assert kept.input_value() == "From the second tab"
        assert said(live) == [("rate", 4, "", None)]
        press(other, "Save the change")
        settled(other, first)
        assert said(live) == [("rate", 4, "", None), ("rate", 2, "", "From the second tab")]
        assert [e.revision for e in live.events()] == [1, 2]


# Coming back, and settings -----------------------------------------------------------------


def test_resume_by_the_same_link_in_another_browser(live, browser):
    link = live.link()
    with person(browser, live) as page:
        begin(page, link)
        first = give(page, 2)
        second = shown(page)
        press(page, "Stop")
        heading(page, "You have stopped")
        assert live.rows(sa.select(rater.c.stage)) == [("rating",)]
    with person(browser, live) as page:
        page.goto(link)
        press(page, "Continue")
        assert shown(page) == second
        expect(page.get_by_text("1 of 12 done"))
        give(page, 3)
    assert [(e.item, e.value) for e in live.events()] == [(first, 2), (second, 3)]
    assert len(live.rows(sa.select(rater))) == 1


def test_double_click_saves_once(live, browser):
    with person(browser, live) as page:
        begin(page, live.link())
        first = shown(page)
        page.get_by_role("radio", name="4").check()
        page.get_by_role("button", name="Save and next").dblclick()
        settled(page, first)
        second = shown(page)
        expect(page.get_by_text("1 of 12 done"))
        assert chosen(page) == ""
        assert second != first
        assert [(e.item, e.value) for e in live.events()] == [(first, 4)]


def test_language_is_changed_in_place(live, browser):
    with person(browser, live) as page:
        begin(page, live.link())
        give(page, 5)
        second = shown(page)
        page.get_by_label("Language").select_option("de")
        press(page, "Change")
        expect(page.get_by_role("button", name=words("Save and next", "de")))
        assert shown(page) == second
        assert page.locator("html").get_attribute("lang") == "de"
        give(page, 1, "de")
        expect(page.get_by_role("status"), words("Saved", "de"))
        page.get_by_role("link", name=words("Change your last answer", "de")).click()
        page.get_by_label(words("Language", "de")).select_option("en")
        press(page, "Change", "de")
        heading(page, "Change your answer")
        assert shown(page) == second
        assert live.rows(sa.select(rater.c.language)) == [("en",)]
        assert [e.value for e in live.events()] == [5, 1]
