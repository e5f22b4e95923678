"""The owner in headless Chromium: invites, watches, reassigns, unblinds, compares, exports."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from app import consent, join, owner, rate_all, rate_one
from browse import Live, begin, give, person, press, shown, small_study

from mores.rate.db.tables import audit, event, invite, rater, revealed, seat, slot
from mores.rate.db.tables import person as people
from mores.rate.export.files import FILES, export_files
from mores.rate.export.rows import export_rows

REFUSED = "Failed to load resource: the server responded with a status of 4"


@pytest.fixture
def live(tmp_path):
    """Twelve texts, each for one of two raters, without practice."""
    with Live(small_study(tmp_path / "study", rating_toml=None, seats=2)) as opened:
        yield opened


def expect(locator):
    from playwright.sync_api import expect as wait

    wait(locator).to_be_visible(timeout=20_000)


def heading(page, text):
    expect(page.get_by_role("heading", name=text, exact=True))


def sign_in(page, live):
    page.goto(live.owner_link())
    assert live.rows(sa.select(audit.c.action).where(audit.c.action == "sign in")) == []
    press(page, "Open the study")
    heading(page, "Overview")


def visit(page, name):
    page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).click()


def invited(page, count, label):
    """Make personal links; return them."""
    visit(page, "Raters")
    page.get_by_role("radio", name="Personal").check()
    page.get_by_label("How many people").fill(str(count))
    page.get_by_label("Label (only you see it)").fill(label)
    press(page, "Create links")
    heading(page, "Your new links" if count > 1 else "Your new link")
    return page.get_by_text(re.compile(r"^http://\S+/r/\S+$")).all_inner_texts()


def deeds(page, label):
    """Open a rater's actions; return their row."""
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=label))
    row.get_by_text("Actions").first.click()
    return row


def test_invites_watches_reassigns_and_forgets(live, browser):
    with person(browser, live) as page, person(browser, live) as other:
        sign_in(page, live)
        links = invited(page, 2, "Ada")
        assert len(links) == 2
        page.goto(live.url("/owner/raters"))
        html = page.content()
        assert not any(link.rpartition("/")[2] in html for link in links)  # shown once
        visit(page, "Overview")

        # The overview follows a rater at work: by itself, without moving what one looks at.
        page.clock.install()
        page.goto(live.url("/owner"))
        expect(page.get_by_text("0 of 12 ratings"))
        page.get_by_role("button", name="Back up now").focus()
        before = page.evaluate("[scrollY, document.activeElement.innerText]")
        begin(other, links[0])
        give(other, 2)
        give(other, 5)
        page.clock.fast_forward(20_000)
        expect(page.get_by_text("2 of 12 ratings"))
        assert page.evaluate("[scrollY, document.activeElement.innerText]") == before
        page.get_by_role("checkbox", name="This page updates by itself").uncheck()
        give(other, 1)
        with page.expect_event("console") as told:  # a mark that time has passed
            page.evaluate("setTimeout(() => console.log('later'), 40000)")
            page.clock.run_for(41_000)
        assert told.value.text == "later"
        expect(page.get_by_text("2 of 12 ratings"))
        page.get_by_role("checkbox", name="This page updates by itself").check()
        page.clock.run_for(20_000)
        expect(page.get_by_text("3 of 12 ratings"))

        # What the first rater has left goes to the second.
        with person(browser, live) as third:
            begin(third, links[1])
            give(third, 4)
            expect(third.get_by_text("1 of 6 done"))
            visit(page, "Raters")
            row = deeds(page, "Ada 1")
            to = row.get_by_label("Open texts go to")
            assert to.locator("option").all_inner_texts() == ["everybody", "Ada 2"]
            to.select_option("Ada 2")
            row.get_by_role("button", name="Release open texts").click()
            expect(page.get_by_role("row").filter(has_text="Ada 2").get_by_text("1 of 9"))
            ids = dict(live.rows(sa.select(people.c.label, people.c.rater)))
            seats = dict(live.rows(sa.select(seat.c.rater, seat.c.number)))
            left = live.rows(sa.select(slot.c.seat).where(slot.c.done == 0))
            assert {row.seat for row in left} == {seats[ids["Ada 2"]]}
            assert len(left) == 8
            give(third, 3)
            expect(third.get_by_text("2 of 9 done"))
        # The first one is not held up: an answer that comes late is kept, and the page explains.
        assert shown(other)
        other.get_by_role("radio", name="3").check()
        press(other, "Save and next")
        heading(other, "One last question")

        # Everybody: into the common pool, from which the first may take again.
        row = deeds(page, "Ada 2")
        row.get_by_role("button", name="Release open texts").click()
        expect(page.get_by_role("row").filter(has_text="Ada 2").get_by_text("2 of 2"))
        assert live.rows(sa.select(slot.c.seat).where(slot.c.done == 0).distinct()) == [(None,)]

        # Forgotten, with the ratings; and the link is dead.
        row = deeds(page, "Ada 1")
        row.get_by_label("withdraw the ratings too").check()
        row.get_by_role("button", name="Forget this person").click()
        expect(page.get_by_role("row").filter(has_text=ids["Ada 1"]).get_by_text("withdrawn"))
        assert "Ada 1" not in dict(live.rows(sa.select(people.c.label, people.c.rater)))
        kinds = live.rows(
            sa.select(event.c.kind).where(event.c.rater == ids["Ada 1"]).order_by(event.c.id)
        )
        assert [row.kind for row in kinds] == ["rate"] * 4 + ["withdraw"] * 4
    with person(browser, live, quiet=REFUSED) as page:
        page.goto(links[0])
        heading(page, "This link was withdrawn")


def test_revokes_an_invitation_and_opens_one_for_a_panel(live, browser):
    with person(browser, live) as page:
        sign_in(page, live)
        (link,) = invited(page, 1, "Bo")
        page.get_by_role("button", name="Revoke Bo").click()
        expect(page.get_by_role("row").filter(has_text="Bo").get_by_text("revoked"))
        page.get_by_role("radio", name="Open, for a panel such as Prolific").check()
        page.get_by_label("How many people").fill("2")
        press(page, "Create links")
        heading(page, "Your new link")
        panel = page.get_by_text(re.compile(r"^http://\S+/r/\S+$")).inner_text()
        kinds = live.rows(sa.select(invite.c.kind).where(invite.c.kind != "owner"))
        assert sorted(row.kind for row in kinds) == ["open", "personal"]
    with person(browser, live, quiet=REFUSED) as page:
        page.goto(link)
        heading(page, "This link was withdrawn")
        page.goto(panel + "?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID=x")
        press(page, "Continue")
        heading(page, "Before you start")
        assert live.rows(sa.select(people.c.outside_id)) == [("p1",)]


def test_unblinds_compares_exports_and_signs_out(live, browser):
    for n, name in enumerate(("Ada", "Bo")):
        me = join(live.site, label=name)
        consent(me)
        rate_one(me, "cannot", remark="=1+1")
        rate_all(me, 2 + n)
    with person(browser, live, quiet=REFUSED, accept_downloads=True) as page:
        sign_in(page, live)
        expect(page.get_by_text("12 of 12 ratings"))
        expect(page.get_by_text("The study is blind."))
        press(page, "Back up now")
        expect(page.get_by_text("restored on trial"))

        visit(page, "Compare")
        heading(page, "The study is still blind")
        page.get_by_role("link", name="To the overview").click()
        visit(page, "Unblinding")
        expect(page.get_by_text("All 12 ratings that are needed are in."))
        page.get_by_label("Your name, for the log").fill("Grace")
        page.get_by_label("To confirm, type the study’s name: trial").fill("Trial")
        press(page, "Unblind")
        heading(page, "That is not the study’s name")
        assert live.rows(sa.select(revealed)) == []
        page.get_by_role("link", name="To the overview").click()
        visit(page, "Unblinding")
        page.get_by_label("Your name, for the log").fill("Grace")
        page.get_by_label("To confirm, type the study’s name: trial").fill("trial")
        press(page, "Unblind")
        heading(page, "Compare")
        assert len(live.rows(sa.select(revealed))) == 12

        # All arms side by side; filters.
        assert page.get_by_role("article").count() == 12
        page.get_by_label("Category").select_option("Topic 2")
        arms = page.get_by_label("Arm").locator("option").all_inner_texts()
        base = next(arm for arm in arms if "base" in arm)
        page.get_by_label("Arm").select_option(base)
        page.get_by_label("Order").select_option("most disagreement first")
        press(page, "Show")
        page.wait_for_url("**/owner/compare?*")
        heading(page, "Compare")
        articles = page.get_by_role("article")
        assert articles.count() == 2
        for one in articles.all():
            expect(one.get_by_role("heading", name=base))
        assert page.get_by_label("Category").input_value() == "topic-2"

        # The files are what the program itself gives.
        visit(page, "Files")
        heading(page, "Files")
        assert {r.arm for r in export_rows(live.site.database)} == {
            "base", "values_targeted", "control"
        }  # fmt: skip
        written = export_files(live.site.database, FILES)
        for name, data in written.items():
            with page.expect_download() as got:
                page.get_by_role("link", name=name).click()
            assert got.value.suggested_filename == name
            assert Path(got.value.path()).read_bytes() == data
        assert b"'=1+1" in written["ratings.csv"]

        visit(page, "Log")
        expect(page.get_by_text("The log is intact"))
        told = page.get_by_role("row").filter(has_text="unblind")
        assert told.count() == 1
        expect(told.filter(has_text="Grace"))

        # Signed out: the Back button shows nothing.
        press(page, "Sign out")
        heading(page, "Please open your link again")
        page.go_back()
        heading(page, "Please open your link again")
        page.go_back()
        heading(page, "Please open your link again")
        assert "Grace" not in page.content()


def test_raters_cannot_open_the_owners_pages(live, browser):
    with person(browser, live, quiet=REFUSED) as page:
        begin(page, live.link())
        for path in ("/owner", "/owner/raters", "/owner/files/ratings.csv"):
            page.goto(live.url(path))
            heading(page, "This page is not for you")
    assert live.rows(sa.select(sa.func.count()).select_from(rater)) == [(1,)]
    assert owner(live.site).get("/owner").status_code == 200
