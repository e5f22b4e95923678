"""Take the pictures of docs/desk.md, with made-up people on a copy of a study.

    python docs/desk_screens.py [STUDY] [--out docs/images/desk]

STUDY is copied (examples/wellbeing by default); nothing is written into it. What the people write
and vote is made up and means nothing. Needs playwright, Chromium and pillow (`mores[dev]`).
"""

from __future__ import annotations

import argparse
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
from pathlib import Path

import httpx
import uvicorn
from playwright.sync_api import Page, sync_playwright

from mores.consult.start import start
from mores.desk import people
from mores.desk.app import APP
from mores.desk.call import Site
from mores.desk.content import Shelf
from mores.desk.tables import DESK
from mores.study import load_study
from mores.web.database import open_database
from mores.web.door import make_app
from mores.web.schema import upgrade
from mores.web.security import Place

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from rating_screens import PHONE, WIDE, Album  # noqa: E402

HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
GUESTS = 24
ANSWER = (
    "It sounds as if you have carried this for a while. You do not have to decide anything now. "
    "If it helps, say one true sentence to somebody you trust: that it has been a hard month, and "
    "that you would like company. If thoughts of harming yourself come, call a local crisis line "
    "or emergency number now; they are used to calls like this, and you will not be a burden. "
    "Tomorrow, a doctor or a counsellor can help you find out what would make the days lighter."
)


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """The desk on a free port, over a copy of the study."""
    start(load_study(folder))
    (folder / "desk").mkdir(exist_ok=True)
    database = open_database(folder / "desk" / DESK.file)
    upgrade(database, DESK)
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        site = Site(
            database=database,
            place=Place(f"http://127.0.0.1:{door.getsockname()[1]}"),
            title=load_study(folder).config.name,
            shelf=Shelf(lambda: load_study(folder)),
            backups=folder / "desk" / "backups",
        )
        config = uvicorn.Config(make_app(site, APP), log_config=None, access_log=False)
        server = uvicorn.Server(config)
        arguments = {"sockets": [door]}
        thread = threading.Thread(target=server.run, kwargs=arguments, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        try:
            yield site
        finally:
            server.should_exit = True
            thread.join(timeout=30)
            database.close()


def link(site: Site, role: str, label: str, places: int = 1) -> str:
    """The whole address of a new link."""
    with site.database.write() as tx:
        token = people.invite_link(
            tx, role, label=label, days=9, now=site.now(), actor="screens", places=places
        )
    return f"{site.place.url}/l/{token}"


def vote(site: Site, address: str, draw: random.Random) -> None:
    """Somebody who answers everything, without a browser."""
    headers = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=site.place.url, headers=headers, timeout=60) as web:
        while web.post(address, data={"come": "in"}).status_code == 429:
            time.sleep(1)
        page = web.get("/begin")
        web.post("/begin", data={**dict(HIDDEN.findall(page.text)), "decision": "agree"})
        while (page := web.get("/vote")).status_code == 200:
            form = dict(HIDDEN.findall(page.text))
            choice = draw.choices(("agree", "disagree", "pass"), (6, 2, 1))[0]
            web.post("/vote", data={**form, "choice": choice})


def pictures(page: Page, guest: Page, site: Site, album: Album) -> None:
    """From an author's first words to what people said."""
    home = site.place.url
    page.goto(link(site, "owner", "Olga"))
    page.get_by_role("button").last.click()
    page.get_by_role("heading", name="Overview").wait_for()
    album.take(page, "overview")
    page.goto(f"{home}/records/values")
    album.take(page, "samples", tall=1100)
    page.goto(f"{home}/new/values")
    page.get_by_label("Name (needed)").fill("v-health-11")
    page.get_by_label("Position (needed)").select_option("health")
    asked = "cant sleep, cant eat, everyone says im fine. am i making it up?"
    page.get_by_label("Question (needed)").fill(asked)
    page.get_by_label("Answer (needed)").fill(ANSWER)
    page.get_by_role("button", name="Check it, without saving").click()
    page.wait_for_load_state("load")
    album.take(page, "writing", tall=1500)
    page.get_by_role("button", name="Save the draft").click()
    page.wait_for_load_state("load")
    page.goto(f"{home}/drafts")
    page.get_by_role("link", name="v-health-11").click()
    page.get_by_label("Comment").fill("Could it name one thing to do before the appointment?")
    page.get_by_role("button", name="Send").click()
    page.wait_for_load_state("load")
    album.take(page, "draft", tall=1500)
    page.goto(f"{home}/records/values/v-abv-01")
    page.get_by_text("Sign it").first.click()
    album.take(page, "signing", tall=1500)
    page.goto(f"{home}/complain")
    page.get_by_label("What was asked (needed)").fill("people who cut themselves want attention")
    page.get_by_label("What the model answered (needed)").fill("Your words don't say that.")
    page.get_by_label("What was expected instead").fill("That it takes the pain seriously.")
    page.get_by_label("Position").last.select_option("abuse_violence_threat")
    page.get_by_role("button", name="Send").click()
    page.wait_for_load_state("load")
    album.take(page, "complaint", tall=1000)
    guest.goto(link(site, "participant", "guest"))
    guest.get_by_role("button").last.click()
    guest.get_by_role("button", name="I take part").wait_for()
    album.take(guest, "begin", tall=900)
    guest.get_by_role("button", name="I take part").click()
    guest.get_by_label("Why, if you like").wait_for()
    album.take(guest, "vote", tall=900)
    guest.set_viewport_size(PHONE)
    guest.locator("#language").select_option("ar")
    guest.locator(".tongue button").click()
    guest.wait_for_function("document.documentElement.lang === 'ar'")
    album.take(guest, "vote-arabic-phone", tall=1100)
    everybody, draw = link(site, "participant", "everybody", 1000), random.Random(1)
    for _ in range(GUESTS):
        vote(site, everybody.removeprefix(home), draw)
    page.goto(f"{home}/consult")
    page.get_by_role("button", name="Write the answers into the study, and analyse them").click()
    page.wait_for_load_state("load")
    album.take(page, "consultation", tall=1700)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    study = HERE.parent / "examples" / "wellbeing"
    parser.add_argument("study", type=Path, nargs="?", default=study)
    parser.add_argument("--out", type=Path, default=HERE / "images" / "desk")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / options.study.name
        skip = shutil.ignore_patterns("runs", "desk", "consult")
        shutil.copytree(options.study, folder, ignore=skip)
        with running(folder) as site, sync_playwright() as play:
            path = os.environ.get("MORES_CHROMIUM", "/usr/bin/chromium")
            browser = play.chromium.launch(executable_path=path)
            owner = browser.new_page(viewport=WIDE)
            guest = browser.new_page(viewport=WIDE)
            album = Album(options.out)
            pictures(owner, guest, site, album)
            browser.close()
    print(f"{len(list(options.out.glob('*.png')))} pictures in {options.out}")


if __name__ == "__main__":
    main()
