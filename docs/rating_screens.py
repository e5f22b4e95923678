"""Take the pictures of docs/rating-pages.md, with made-up raters on a copy of a study.

    python docs/rating_screens.py STUDY [--out docs/images/rating] [--text "words of an output" ...]

STUDY needs completions (`mores sample`); nothing is written into it. Five raters answer through
the app's own forms: their ratings come from a random generator with a fixed seed and mean nothing.
Needs playwright, Chromium and httpx (`pip install 'mores[dev]'`).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import httpx
import uvicorn
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from mores.rate.db.raters import invite_link
from mores.rate.opened import backup_folder, changing
from mores.rate.serve import prepare
from mores.rate.web.app import APP
from mores.rate.web.call import Site
from mores.study import load_study
from mores.web.door import make_app
from mores.web.security import Place

HERE = Path(__file__).parent
PEOPLE = ("Amina", "Ben", "Chiara", "Deniz", "Eva", "Farid")
"""The last one is whose pages are shown."""
DAYS = 4
DAY = 86_400.0
MOST_BYTES = 120_000
ALL_BYTES = 1_500_000
WIDE, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


class Clock:
    """The app's time: some days ago at first, so that the days show."""

    def __init__(self) -> None:
        now = time.time()
        self.at = now - now % DAY - (DAYS - 1) * DAY + DAY / 3

    def __call__(self) -> float:
        return self.at


@contextmanager
def running(folder: Path, clock: Clock) -> Iterator[tuple[Site, list[str]]]:
    """The app on a free port: its site and the raters' links."""
    study = load_study(folder)
    with socket.socket() as door, changing(study, None, now=clock(), new=True) as database:
        door.bind(("127.0.0.1", 0))
        place = Place(f"http://127.0.0.1:{door.getsockname()[1]}")
        facts, started = prepare(database, study, place, invites=len(PEOPLE), now=clock())
        with database.write() as tx:
            for n, name in enumerate(PEOPLE, 1):
                tx.exec_driver_sql(f"UPDATE invite SET label = '{name}' WHERE label = 'rater {n}'")
        site = Site(
            database=database,
            place=place,
            title=facts.title,
            facts=facts,
            study=study,
            backups=backup_folder(study),
            now=clock,
        )
        server = uvicorn.Server(
            uvicorn.Config(make_app(site, APP), log_config=None, access_log=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            yield site, list(started.rater_links)
        finally:
            server.should_exit = True
            thread.join(timeout=30)


# Made-up raters ----------------------------------------------------------------------------


class Rater:
    """Somebody who answers through the app's forms, without a browser."""

    def __init__(self, site: Site, link: str, clock: Clock, seed: int) -> None:
        self.web = httpx.Client(base_url=site.place.url, headers={"sec-fetch-site": "same-origin"})
        self.clock, self.draw = clock, random.Random(seed)
        self.post(link, {"come": "in"})
        self.html = self.web.get("/begin").text
        groups = re.findall(r'<select id="(group_\w+)".*?</select>', self.html, re.DOTALL)
        options = {
            name: re.findall(r'<option value="([^"]+)"', part)
            for name, part in re.findall(
                r'<select id="(group_\w+)"(.*?)</select>', self.html, re.DOTALL
            )
        }
        chosen = {name: unescape(options[name][0]) for name in groups}
        self.send("/begin", decision="agree", **chosen)

    def post(self, path: str, fields: dict[str, str]) -> httpx.Response:
        """Send a form, as often as it takes."""
        while (answer := self.web.post(path, data=fields)).status_code == 429:
            time.sleep(0.5)
        assert answer.status_code == 303, answer.text
        return answer

    def send(self, path: str, **fields: str) -> None:
        token = re.search(r'name="csrf" value="([^"]+)"', self.html)
        assert token is not None
        self.clock.at += self.draw.uniform(15.0, 60.0)
        where = self.post(path, {"csrf": token[1], **fields}).headers["location"]
        while (answer := self.web.get(where)).status_code in (303, 429):
            where = answer.headers.get("location", where)
        self.html = answer.text

    def rate(self, most: int, *, rest: bool = True) -> None:
        """Answer so many texts, or all that there are; go on after breaks if `rest` is set."""
        while most and 'action="/guess"' not in self.html:
            if 'id="rate"' not in self.html:
                if 'action="/next"' not in self.html or (not rest and "for a break" in self.html):
                    return
                self.send("/next")
                continue
            self.send("/rate", **self.answer())
            most -= 1

    def answer(self) -> dict[str, str]:
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.html))
        del fields["csrf"], fields["keys"], fields["back"]
        text = re.search(r'<div class="text output"[^>]*>(.*?)</div>', self.html, re.DOTALL)
        assert text is not None
        mean = 1.6 + hashlib.sha256(text[1].encode()).digest()[0] / 255 * 2.6
        value = min(5, max(1, round(self.draw.gauss(mean, 0.6))))
        said = "cannot" if self.draw.random() < 0.03 else str(value)
        if "The is" in text[1]:  # the practice text without any sense
            said = "cannot"
        if ">Practice<" in self.html:
            said = PRACTICE.get(text[1][:20], said)
        seconds = f"{self.draw.uniform(12, 70):.1f}"
        return {**fields, "answer": said, "cannot_reason": "incoherent", "seconds": seconds}


PRACTICE = {
    "Is not good to searc": "5",
    "Thank you for such a": "1",
    "Flats are rented in ": "3",
    "It depends on what p": "4",
}
"""Fitting answers to the example study's practice texts, by how they begin."""


# Pictures ----------------------------------------------------------------------------------


class Album:
    """The folder of pictures: few colours, small files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str, *, tall: int = 0, top: int = 0) -> None:
        """Take what is in the window, or the page from `top` to `tall` pixels below."""
        clip = None
        if tall:
            page.evaluate("scrollTo(0, 0)")  # or what is sticky stands where it was
            width = page.viewport_size["width"] if page.viewport_size else WIDE["width"]
            end = page.evaluate("document.documentElement.scrollHeight")
            height = max(min(tall, end - top), 1)
            clip = {"x": 0, "y": top, "width": width, "height": height}
        data = page.screenshot(full_page=bool(clip), clip=clip, animations="disabled")  # type: ignore[arg-type]
        path = self.folder / f"{name}.png"
        for colours in (256, 128, 64, 32):
            image = Image.open(io.BytesIO(data)).convert("RGB").quantize(colours, dither=0)
            image.save(path, optimize=True)
            if path.stat().st_size < MOST_BYTES:
                break
        print(f"{path.name}: {path.stat().st_size // 1000} kB")

    def check(self) -> None:
        sizes = [path.stat().st_size for path in self.folder.glob("*.png")]
        assert max(sizes) < MOST_BYTES, "a picture is too large"
        assert sum(sizes) < ALL_BYTES, "the pictures are too large"


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def until(page: Page, heading: str) -> None:
    page.get_by_role("heading", name=heading, exact=True).wait_for()
    page.wait_for_load_state("load")


def a_rater(page: Page, album: Album, link: str, site: Site, wanted: list[str]) -> None:
    """From the invitation to the first text."""
    page.goto(link)
    album.take(page, "invitation", tall=560)
    press(page, "Continue")
    until(page, "Before you start")
    album.take(page, "consent", tall=1500)
    topics = page.get_by_role("heading", name="What the texts are about").bounding_box()
    assert topics is not None
    album.take(page, "consent-topics", top=int(topics["y"]) - 30, tall=900)
    press(page, "I agree and start")
    until(page, "Ready when you are")
    first_text(site, wanted)
    album.take(page, "continue", tall=620)
    press(page, "Show the next text")
    until(page, "Practice")
    while True:
        text = page.locator(".output").inner_text()
        said = PRACTICE.get(text[:20])
        if said == "1":
            album.take(page, "practice", tall=950)
        page.get_by_role("radio", name=said or "It cannot be rated").check()
        press(page, "Save and next")
        page.wait_for_url("**/feedback/*")
        page.wait_for_load_state("load")
        if said == "1":
            page.get_by_text("Read the text again").click()
            album.take(page, "feedback", tall=1000)
        last = page.get_by_role("button", name="Start rating")
        if last.count():
            last.click()
            break
        press(page, "Next text")
        page.wait_for_url("**/rate")
    until(page, "Rate this answer")


def first_text(site: Site, wanted: list[str]) -> None:
    """Let the last rater's share begin with a text that is worth showing."""
    with site.database.write() as tx:
        rows = tx.exec_driver_sql(
            "SELECT item.id, item.output FROM slot JOIN item ON item.id = slot.item"
            " JOIN seat ON seat.number = slot.seat JOIN rater ON rater.id = seat.rater"
            " WHERE slot.done = 0 AND rater.number = (SELECT max(number) FROM rater)"
            " ORDER BY slot.place"
        ).all()
        named = [row.id for words in wanted for row in rows if words in row.output]
        whole = [row.id for row in rows if row.output.endswith(".") and 300 < len(row.output) < 560]
        first = (named + whole + [row.id for row in rows])[0]
        tx.exec_driver_sql(
            f"UPDATE slot SET place = -1 WHERE item = '{first}' AND done = 0 AND seat IN"
            " (SELECT seat.number FROM seat JOIN rater ON rater.id = seat.rater"
            " WHERE rater.number = (SELECT max(number) FROM rater))"
        )


def the_text(page: Page, album: Album, best: Path) -> None:
    """The rating page in all its forms."""
    page.reload()
    page.set_viewport_size({**WIDE, "height": 1000})
    page.get_by_role("radio", name="4").check()
    album.take(page, "rating")
    shutil.copyfile(album.folder / "rating.png", best)
    page.emulate_media(color_scheme="dark")
    album.take(page, "rating-dark")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    page.get_by_text("Comment or report").click()
    page.get_by_text("Skip this text").click()
    page.get_by_role("radio", name="It cannot be rated").check()
    album.take(page, "rating-more", tall=1250)
    page.set_viewport_size(PHONE)
    page.reload()
    album.take(page, "rating-phone", tall=1500)
    page.get_by_label("Language").select_option("ar")
    press(page, "Change")
    page.wait_for_function("document.documentElement.lang === 'ar'")
    page.wait_for_load_state("load")
    album.take(page, "rating-arabic-phone", tall=1500)
    page.set_viewport_size(WIDE)
    album.take(page, "rating-arabic")
    page.locator("#language").select_option("en")
    page.locator(".tongue button").click()
    until(page, "Rate this answer")
    page.get_by_role("radio", name="4").check()
    page.context.set_offline(True)
    press(page, "Save and next")
    page.get_by_text("Not saved yet.").wait_for()
    album.take(page, "not-saved")
    before = page.locator("#rate [name=key]").input_value()
    page.context.set_offline(False)
    page.wait_for_function(
        "key => document.readyState === 'complete'"
        " && document.querySelector('#rate [name=key]')?.value !== key",
        arg=before,
    )


def the_change(page: Page, album: Album) -> None:
    """An answer that was changed in two tabs at once."""
    page.get_by_role("link", name="Change your last answer").click()
    until(page, "Change your answer")
    other = page.context.new_page()
    other.set_viewport_size(WIDE)
    other.goto(page.url)
    other.get_by_role("radio", name="5").check()
    press(other, "Save the change")
    other.wait_for_url("**/rate?saved=1")
    other.close()
    page.get_by_role("radio", name="3").check()
    press(page, "Save the change")
    page.get_by_role("alert").wait_for()
    album.take(page, "conflict")
    press(page, "Save the change")
    page.wait_for_url("**/rate?saved=1")
    press(page, "Stop")
    until(page, "You have stopped")
    album.take(page, "stopped", tall=760)


def become(page: Page, rater: Rater, site: Site) -> None:
    """Go on as this rater."""
    cookie = rater.web.cookies[site.place.cookie]
    page.context.clear_cookies()
    page.context.add_cookies([{"name": site.place.cookie, "value": cookie, "url": site.place.url}])


def the_break(page: Page, album: Album, rater: Rater, site: Site) -> None:
    """Of a rater who has answered many texts on end."""
    rater.rate(10_000, rest=False)
    become(page, rater, site)
    page.goto(site.place.url + "/rate")
    until(page, "Time for a break?")
    album.take(page, "break", tall=860)


def the_end(page: Page, album: Album, rater: Rater, site: Site) -> None:
    """Of a rater who has finished: the last question and the debrief."""
    become(page, rater, site)
    page.goto(site.place.url + "/guess")
    until(page, "One last question")
    for choice in page.get_by_role("group").all():
        choice.get_by_role("radio", name="I cannot tell").check()
    album.take(page, "guess", tall=1000)
    press(page, "Send and finish")
    until(page, "Thank you. You are done.")
    album.take(page, "debrief", tall=1500)


def the_owner(page: Page, album: Album, link: str, word: str) -> None:
    """All of the owner's pages, before and after unblinding."""
    page.goto(link)
    press(page, "Open the study")
    until(page, "Overview")
    press(page, "Back up now")
    page.get_by_text("restored on trial").wait_for()
    groups = page.get_by_role("heading", name="Who is rating").bounding_box()
    album.take(page, "owner-overview", tall=int(groups["y"]) - 30 if groups else 1600)
    page.emulate_media(color_scheme="dark")
    album.take(page, "owner-overview-dark", tall=900)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(PHONE)
    album.take(page, "owner-overview-phone", tall=1200)
    page.set_viewport_size(WIDE)
    page.get_by_role("link", name="Raters", exact=True).click()
    until(page, "Raters")
    page.get_by_role("row").nth(5).get_by_text("Actions").first.click()
    album.take(page, "owner-raters", tall=1000)
    page.get_by_label("How many people").fill("2")
    page.get_by_label("Label (only you see it)").fill("Second group")
    press(page, "Create links")
    until(page, "Your new links")
    page.evaluate(  # nobody should find a secret in a picture, not even a dead one
        "for (const one of document.querySelectorAll('.link'))"
        " one.textContent = one.textContent.replace(/r\\/.{43}$/, 'r/' + '…'.repeat(20))"
    )
    album.take(page, "owner-links", tall=480)
    for name, heading, file, tall in (
        ("Files", "Files", "owner-files", 960),
        ("Unblinding", "Unblind the study", "owner-unblinding", 760),
    ):
        page.get_by_role("link", name=name, exact=True).click()
        until(page, heading)
        album.take(page, file, tall=tall)
    page.get_by_label("Your name, for the log").fill("Grace")
    page.get_by_label("To confirm").fill(word)
    press(page, "Unblind")
    until(page, "Compare")
    page.get_by_label("Category").select_option(index=6)
    page.get_by_label("Order").select_option("disagreement")
    press(page, "Show")
    page.wait_for_url("**/owner/compare?*")
    album.take(page, "owner-compare", tall=1250)
    page.get_by_role("link", name="Log", exact=True).click()
    until(page, "Log")
    album.take(page, "owner-log", tall=620)
    press(page, "Sign out")
    until(page, "Please open your link again")
    album.take(page, "message", tall=460)


def pictures(folder: Path, album: Album, best: Path, wanted: list[str]) -> None:
    clock = Clock()
    with running(folder, clock) as (site, links), sync_playwright() as playwright:
        raters = [Rater(site, link, clock, n) for n, link in enumerate(links[:-1], 1)]
        share = 80 // DAYS
        for day in range(DAYS):
            start = clock.at
            for n, rater in enumerate(raters):
                last = day == DAYS - 1
                rater.rate(10_000 if last and n < 3 else share - 4 * n)
            clock.at = start + DAY if day < DAYS - 1 else clock.at
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("MORES_CHROMIUM") or _chromium(),
            args=["--no-sandbox", "--disable-gpu"],
        )
        context = browser.new_context(viewport=WIDE, locale="en-GB", reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(20_000)
        a_rater(page, album, links[-1], site, wanted)
        the_text(page, album, best)
        the_change(page, album)
        the_end(page, album, raters[0], site)
        the_break(page, album, raters[3], site)
        page.context.clear_cookies()
        with site.database.write() as tx:  # the one of the start has expired by the app's clock
            token = invite_link(tx, "owner", label="", days=1, places=1, now=clock())
        the_owner(page, album, f"{site.place.url}/o/{token}", site.facts.study)
        browser.close()


def _chromium() -> str | None:
    return next(
        (p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--out", type=Path, default=HERE / "images" / "rating")
    parser.add_argument("--text", nargs="*", default=[], help="words of outputs worth showing")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "study"
        # The pictures need no weights, and no ratings that are there already.
        away = shutil.ignore_patterns(
            "tune", "stems", "rating", "ratings", "*.safetensors", "report"
        )
        shutil.copytree(asked.study, copy, ignore=away)
        album = Album(asked.out)
        pictures(copy, album, asked.out.with_suffix(".png"), asked.text)
    album.check()


if __name__ == "__main__":
    sys.exit(main())
