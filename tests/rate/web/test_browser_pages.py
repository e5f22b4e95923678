"""Every page in headless Chromium: accessible, narrow enough, light enough, quiet.

Each page comes from the real server to a person who is in the state that leads to it; then it is
looked at in light and dark, on a wide screen and at 320 px.
"""

import re
from pathlib import Path

import pytest
from app import (
    Clock,
    client,
    consent,
    form,
    join,
    new_link,
    next_form,
    owner,
    rate_one,
)
from browse import RATING, Live, small_study

from browser_checks import WIDE, Watch, faults_of
from mores.rate.db.raters import revoke
from mores.rate.db.release import release
from mores.rate.db.tables import invite
from mores.rate.web.app import APP
from mores.rate.web.routes import PAGES
from mores.web.door import STATIC

DAY = 86_400.0
LONG = " ".join(
    ["An answer of three hundred and forty words goes on for quite a while, then."] * 24
)
assert len(LONG.split()) >= 336


class Visits:
    """Pages by name: whose, where, and what is posted to get there (None: a GET)."""

    def __init__(self, live):
        self.live = live
        self.pages = {}

    def add(self, name, me, path, fields=None):
        self.pages[name] = (me.cookie, path, fields)


def size_of(name):
    """Bytes of a static file: the app's own, or one that all apps have."""
    own = APP.folder / "static" / name
    return (own if own.exists() else STATIC / name).stat().st_size


@pytest.fixture(scope="module")
def visits(tmp_path_factory):
    """People in every state, made through the server's own forms."""
    study = small_study(
        tmp_path_factory.mktemp("pages") / "study",
        per_item=3,
        seats=12,  # three texts each
        break_items=1,
        daily_cap=2,
        rating_toml=RATING + '\n[anchors]\n1 = "against"\n3 = "neither"\n5 = "for"\n',
        outputs=lambda prompt, arm, draw: f"{prompt} {arm}. {LONG}",
        texts=["What do you think of the long way round, and would you take it again?"],
    )
    clock = Clock()
    with Live(study, now=clock) as live:
        seen = Visits(live)
        _raters(seen, live, clock)
        _refused(seen, live)
        _owners(seen, live)
        yield seen


def _practise(me, *, right=True):
    """Answer all practice, or until the gate closes."""
    for _ in range(4):
        fields = next_form(me)
        page = me.get("/rate").text
        if not fields or "Practice" not in page:
            return
        fits = "5" if "Yes, it is." in page else "cannot"
        _save(me, fields, fits if right else "2")
    me.submit("/next")


def _save(me, fields, answer, **more):
    reasons = {"cannot_reason": "other", "skip_reason": "other", "seconds": "3"}
    answered = me.submit("/rate", {**fields, **reasons, "answer": answer, **more})
    assert answered.status_code in (303, 409), answered.text
    return answered


def _begun(live, label, *, practised=True):
    me = join(live.site, label=label)
    consent(me)
    if practised:
        _practise(me)
    return me


def _raters(seen, live, clock):
    site = live.site
    guessing, ready = _begun(live, "guessing"), _begun(live, "ready")
    for n in (5, 2, 1):
        rate_one(guessing, n)
        rate_one(ready, n)
        clock.step(DAY)  # the daily cap is below their share
    ready.submit("/guess", {})
    seen.add("guess", guessing, "/guess")
    seen.add("debrief", ready, "/done")
    seen.add("invitation", client(site), "/r/" + new_link(site))
    new = join(site, label="new")
    seen.add("consent", new, "/begin")
    no = join(site, label="no")
    consent(no, decision="decline")
    seen.add("declined", no, "/begin")
    fresh = _begun(live, "fresh", practised=False)
    seen.add("continue", fresh, "/rate")
    seen.add("stopped", fresh, "/stopped")

    trying = _begun(live, "trying", practised=False)
    fields = next_form(trying)
    first = fields["item"]
    _save(trying, fields, "2")
    seen.add("feedback, seen differently", trying, f"/feedback/{first}")
    next_form(trying)
    seen.add("practice", trying, "/rate")
    gated = _begun(live, "gated", practised=False)
    _practise(gated, right=False)
    seen.add("gated", gated, "/rate")

    rating = _begun(live, "rating")
    next_form(rating)
    seen.add("item", rating, "/rate")
    seen.add("not allowed", rating, "/owner")
    lost = _begun(live, "lost")
    next_form(lost)
    with site.database.write() as tx:
        release(tx, lost.rater)
    seen.add("continue, held too long", lost, "/rate")

    resting = _begun(live, "resting")
    rate_one(resting, 4, remark="A remark")
    seen.add("break", resting, "/rate")
    working = _begun(live, "working")
    fields = next_form(working)
    _save(working, fields, "4", flag="yes", remark="A remark")
    seen.add("change", working, f"/answer/{fields['item']}")
    seen.add("conflict", working, "/rate", {**fields, "answer": "2", "key": fields["key"] + "x"})
    seen.add("bad form", working, "/rate", {"item": fields["item"], "key": fields["key"]})
    next_form(working)
    seen.add("item, saved", working, "/rate?saved=1")
    capped = _begun(live, "capped")
    rate_one(capped)
    rate_one(capped)
    seen.add("cap", capped, "/rate")
    averse = join(site, label="averse")
    consent(averse, opt_out=["topic-1", "topic-2"])
    averse.submit("/next")
    seen.add("waiting", averse, "/rate")


def _refused(seen, live):
    site = live.site
    nobody = client(site)
    seen.add("not signed in", nobody, "/owner")
    seen.add("front", nobody, "/")
    seen.add("not found", nobody, "/no/such/page")
    seen.add("link unknown", nobody, "/r/abc")
    seen.add("link expired", nobody, "/r/" + new_link(site, days=-1))
    token = new_link(site, label="withdrawn")
    with site.database.write() as tx:
        name = tx.execute(invite.select().where(invite.c.label == "withdrawn")).one().id
        revoke(tx, name, site.now())
    seen.add("link withdrawn", nobody, f"/r/{token}")
    seen.add("owner's door", nobody, "/o/" + new_link(site, "owner", label="", days=1))


def _owners(seen, live):
    boss = owner(live.site)
    seen.add("overview", boss, "/owner")
    seen.add("raters", boss, "/owner/raters")
    seen.add(
        "raters, new links",
        boss,
        "/owner/invite",
        {"count": "2", "days": "7", "kind": "personal", "label": "Class"},
    )
    seen.add("files", boss, "/owner/export")
    seen.add("still blind", boss, "/owner/compare")
    seen.add("unblinding", boss, "/owner/unblind")
    seen.add("unblinding, wrong word", boss, "/owner/unblind", {"who": "Ada", "word": "no"})
    seen.add("log", boss, "/owner/audit")
    seen.add("unblinded", boss, "/owner/unblind", {"who": "Ada", "word": "trial"})  # compare page
    seen.add("overview, unblinded", boss, "/owner")
    seen.add("unblinding, done", boss, "/owner/unblind")
    seen.add("compare, filtered", boss, "/owner/compare?sort=disagreement&arm=none")


HEADINGS = {
    "invitation": "You are invited to rate texts",
    "consent": "Before you start",
    "declined": "That is fine",
    "continue": "Ready when you are",
    "stopped": "You have stopped",
    "feedback, seen differently": "We see this one differently",
    "practice": "Practice",
    "gated": "Thank you for trying",
    "item": "Rate this answer",
    "not allowed": "This page is not for you",
    "continue, held too long": "Shall we go on?",
    "break": "Time for a break?",
    "change": "Change your answer",
    "conflict": "Change your answer",
    "bad form": "Something in the form is missing",
    "item, saved": "Rate this answer",
    "cap": "That is enough for today",
    "guess": "One last question",
    "debrief": "Thank you. You are done.",
    "waiting": "No text is free just now",
    "not signed in": "Please open your link again",
    "front": "Please open your link again",
    "not found": "There is no such page",
    "link unknown": "This link does not work",
    "link expired": "This link has expired",
    "link withdrawn": "This link was withdrawn",
    "owner's door": "Sign in",
    "overview": "Overview",
    "raters": "Raters",
    "raters, new links": "Raters",
    "files": "Files",
    "still blind": "The study is still blind",
    "unblinding": "Unblind the study",
    "unblinding, wrong word": "That is not the study’s name",
    "log": "Log",
    "unblinded": "Compare",
    "overview, unblinded": "Overview",
    "unblinding, done": "Unblind the study",
    "compare, filtered": "Compare",
}
"""Every page of the app, and its heading."""


def go(page, live, cookie, path, fields):
    """Open a page as this person; a form is sent as one of the app's own pages would."""
    page.context.clear_cookies()
    if cookie:
        page.context.add_cookies(
            [{"name": live.site.place.cookie, "value": cookie, "url": live.home}]
        )
    if fields is None:
        page.goto(live.url(path))
        return
    page.goto(live.url("/owner" if path.startswith("/owner") else "/stopped"))
    with page.expect_navigation():
        page.evaluate(
            """([path, fields]) => {
              const copy = document.createElement("form");
              copy.method = "post"; copy.action = path;
              fields.csrf = document.querySelector("input[name=csrf]").value;
              for (const [name, value] of Object.entries(fields)) {
                const one = document.createElement("input");
                Object.assign(one, { type: "hidden", name, value });
                copy.append(one);
              }
              document.body.append(copy);
              copy.submit();
            }""",
            [path, {name: value for name, value in fields.items() if name != "csrf"}],
        )


def test_every_page_in_light_and_dark_wide_and_narrow(visits, browser):
    """No axe violation, nothing sticks out at 320 px, targets of 24 px, a quiet console."""
    assert set(HEADINGS) == set(visits.pages)
    context = browser.new_context(viewport=WIDE)
    context.set_default_timeout(20_000)
    watch = Watch(context, visits.live.home)
    page, found = context.new_page(), []
    for name, (cookie, path, fields) in visits.pages.items():
        page.set_viewport_size(WIDE)
        go(page, visits.live, cookie, path, fields)
        page.wait_for_load_state("load")
        assert page.locator("h1").inner_text() == HEADINGS[name], name
        found += faults_of(page, name)
    context.close()
    assert not found, "\n".join(found)
    # A refusal is a "failed" resource to the console; anything else, such as CSP, is not allowed.
    watch.nothing(but="Failed to load resource: the server responded with a status of 4")


def test_every_get_address_was_visited(visits):
    """A page that is added to the app must be added here."""
    paths = [path.partition("?")[0] for _, path, _ in visits.pages.values()]
    for one in PAGES:
        if "/files/" in one.path or one.path.startswith("/media/"):
            continue  # no pages
        if one.method == "GET" and one.role != "static":
            shape = re.compile(re.sub(r"\{\w+\}", "[^/]+", one.path) + r"\Z")
            assert any(shape.match(path) for path in paths), one.path


def test_rating_page_weighs_under_30_kilobytes(visits):
    """HTML with an output of 340 words, style and script, uncompressed."""
    cookie, path, _ = visits.pages["item, saved"]
    me = client(visits.live.site)
    me.cookies.set(visits.live.site.place.cookie, cookie)
    html = me.get(path).text
    assert LONG in html
    assert form(html)
    linked = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', html))
    assert linked == {"/static/app.css", "/static/app.js", "/static/icon.svg"}
    weight = len(html.encode()) + sum(size_of(Path(one).name) for one in linked)
    assert weight < 30_000, weight
