"""The desk in headless Chromium: every page, an author's first ten samples, a phone in Arabic."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import pytest
import uvicorn
from test_desk_consult import CONSULT as ASKED
from visitors import ANSWER, SAMPLE, Desk, lines, make_desk

from browser_checks import WIDE, Watch, faults_of
from mores.desk.routes import PAGES

CONSULT = f"""{ASKED}
[[support]]
name = "A friend on the telephone"
contact = "0800 000 000"

[[statements]]
id = "w-1"
kind = "wording"
text = "It should be gentle."
about = "care"
against = "w-2"

[[statements]]
id = "w-2"
kind = "wording"
text = "It should be brief."
about = "care"
"""


class Live:
    """A desk behind uvicorn, in a thread of this process."""

    def __init__(self, folder: Any) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.home = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.desk: Desk = make_desk(folder, home=self.home)
        (self.desk.folder / "consult.toml").write_text(CONSULT, "utf-8")
        config = uvicorn.Config(self.desk.app, log_config=None, access_log=False, lifespan="off")
        self.server = uvicorn.Server(config)
        arguments = {"sockets": [self.socket]}
        self.thread = threading.Thread(target=self.server.run, kwargs=arguments, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(timeout=30)
        self.socket.close()
        self.desk.site.database.close()

    def come(self, page: Any, role: str, label: str = "Ada") -> None:
        """Come in by a new link, as a person does."""
        page.goto(f"{self.home}/l/{self.desk.link(role, label)}")
        page.get_by_role("button").last.click()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with Live(tmp_path_factory.mktemp("desk") / "study") as made:
        yield made


def watched(browser: Any, live: Live, **options: Any) -> tuple[Any, Watch]:
    context = browser.new_context(**options)
    context.set_default_timeout(20_000)
    return context.new_page(), Watch(context, live.home)


def write(page: Any, live: Live, name: str, **fields: str) -> None:
    """Fill in the form of a new sample and save it."""
    page.goto(f"{live.home}/new/values")
    page.get_by_label("Name (needed)").fill(name)
    page.get_by_label("Position (needed)").select_option("care")
    page.get_by_label("Question (needed)").fill(fields.get("prompt", SAMPLE["prompt"]))
    page.get_by_label("Answer (needed)").fill(fields.get("completion", ANSWER))
    page.get_by_role("button", name="Save the draft").click()


def test_an_author_writes_ten_a_reviewer_asks_and_signs_the_owner_accepts(
    browser: Any, live: Live
) -> None:
    ada, watch = watched(browser, live)
    live.come(ada, "author", "Ada")
    assert ada.get_by_role("heading", level=1).inner_text() == "Overview"
    for n in range(10):
        write(ada, live, f"v-new-{n}", prompt=f"How do I say no to a friend, case {n}?")
        assert ada.get_by_role("status").inner_text() == "Saved"
    rob, _ = watched(browser, live)
    live.come(rob, "reviewer", "Rob")
    rob.goto(f"{live.home}/drafts")
    assert rob.locator(".plainlist li").count() >= 10
    rob.get_by_role("link", name="v-new-3").click()
    rob.get_by_label("What is to change, or what you checked").fill("Name one sentence to say.")
    rob.get_by_role("button", name="Ask for changes").click()
    assert rob.get_by_text("changes asked for").first.is_visible()
    ada.goto(f"{live.home}/edit/values/v-new-3")
    ada.get_by_label("Answer (needed)").fill(ANSWER + " You could say: I cannot tonight.")
    ada.get_by_role("button", name="Check it, without saving").click()
    assert ada.get_by_text("The answer has").is_visible()
    ada.get_by_role("button", name="Save the draft").click()
    olga, _ = watched(browser, live)
    live.come(olga, "owner", "Olga")
    olga.goto(f"{live.home}/drafts")
    olga.get_by_role("link", name="v-new-3").first.click()
    olga.get_by_role("button", name="Accept").click()
    assert olga.get_by_text("in the study’s file").first.is_visible()
    kept = {row["id"]: row for row in lines(live.desk.folder / "values.jsonl")}
    assert kept["v-new-3"]["completion"].endswith("I cannot tonight.")
    assert kept["v-new-3"]["author"] == "Ada"
    rob.goto(f"{live.home}/records/values/v-new-3")
    rob.get_by_text("Sign it").first.click()
    rob.get_by_label("As (such as clinician, lawyer, parent)").fill("clinician")
    rob.get_by_label("What you checked").fill("the advice")
    rob.get_by_role("button", name="Sign", exact=True).click()
    assert rob.get_by_text("signed", exact=True).first.is_visible()
    signed = lines(live.desk.folder / "signatures.jsonl")
    assert [(one["what"], one["by"], one["role"]) for one in signed] == [
        ("values:v-new-3", "Rob", "clinician")
    ]
    watch.nothing()
    for page in (ada, rob, olga):
        page.context.close()


def test_on_a_phone_in_arabic_without_javascript(browser: Any, live: Live) -> None:
    phone = {"width": 360, "height": 740}
    page, watch = watched(
        browser, live, viewport=phone, locale="ar", java_script_enabled=False, is_mobile=True
    )
    live.come(page, "participant", "guest")
    assert page.locator("html").get_attribute("dir") == "rtl"
    page.locator("button.main").click()  # takes part
    for _ in range(3):
        page.locator("input[name=choice]").first.check()
        page.locator("textarea[name=why]").fill("لأنه يساعد")
        page.locator("button.main").last.click()
    assert page.url.endswith("/answers")
    assert page.locator(".plainlist li").count() == 3
    watch.nothing()
    page.context.close()


def test_every_page_in_light_and_dark_wide_and_narrow(browser: Any, live: Live) -> None:
    """No axe violation, nothing sticks out at 320 px, targets of 24 px, a quiet console."""
    olga, watch = watched(browser, live, viewport=WIDE)
    live.come(olga, "owner", "Olga")
    write(olga, live, "v-look", completion="Short. " + ANSWER)
    draft = re.sub(r".*draft=(\d+).*", r"\1", olga.url)
    olga.goto(f"{live.home}/complain")
    olga.get_by_label("What was asked (needed)").fill("Is it my fault?")
    olga.get_by_label("What the model answered (needed)").fill("Yes.")
    olga.get_by_role("button", name="Send").click()
    case = olga.url.rpartition("/")[2]
    guest, quiet = watched(browser, live, viewport=WIDE)
    guest.goto(f"{live.home}/l/{live.desk.link('participant', 'guest')}")
    found = faults_of(guest, "invitation")
    guest.set_viewport_size(WIDE)
    guest.get_by_role("button").last.click()
    found += faults_of(guest, "begin")
    guest.get_by_role("button", name="I take part").click()
    pages = {
        "owner": (olga, ["desk", "findings", "drafts", "records/charter", "records/values",
                         "records/control", "records/prompts", "records/stance", "new/values",
                         "new/charter", "records/values/v-care-1", "edit/values/v-care-1",
                         f"records/values/v-look?draft={draft}", "records/charter/care",
                         "signatures", "cases", f"cases/{case}", "complain", "consult", "people",
                         "log"]),
        "guest": (guest, ["vote", "vote?statement=w-1", "answers", "propose", "leave"]),
    }  # fmt: skip
    seen = {"/", "/l/x", "/begin"}
    for _, (page, paths) in pages.items():
        for path in paths:
            page.set_viewport_size(WIDE)
            answer = page.goto(f"{live.home}/{path}")
            assert answer is not None
            assert answer.status == 200, path
            found += faults_of(page, path)
            seen.add(f"/{path.partition('?')[0]}")
    assert not found, "\n".join(found)
    for one in PAGES:
        if one.method == "GET" and one.role != "static" and one.path != "/study.xlsx":
            shape = re.compile(re.sub(r"\{[\w:]+\}", "[^/]+", one.path) + r"\Z")
            assert any(shape.match(path) for path in seen), one.path
    watch.nothing()
    quiet.nothing()
    for page in (olga, guest):
        page.context.close()
