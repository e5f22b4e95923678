"""Every address of the desk, its method, and who may use it. There is no other way in.

A test walks this table with every role, and fails for an address that is not in its own list.
"""

from __future__ import annotations

from mores.desk.call import STAFF
from mores.desk.pages import (
    asking,
    cases,
    consult,
    door,
    overview,
    owner,
    records,
    signing,
    writing,
)
from mores.web.call import Page
from mores.web.door import SHARED

WRITERS = "owner author"
REVIEWERS = "owner reviewer"
TEXT = 1024 * 1024
"""Bytes of a form with a sample in it."""

PAGES: tuple[Page, ...] = (
    *SHARED,
    Page("GET", "/l/{token}", "public", door.invitation, link=True),
    Page("POST", "/l/{token}", "public", door.come_in, link=True),
    Page("POST", "/logout", f"{STAFF} participant", door.sign_out),
    Page("POST", "/settings", f"{STAFF} participant", door.settings),
    Page("GET", "/desk", STAFF, overview.overview),
    Page("GET", "/study.xlsx", STAFF, overview.workbook),
    Page("GET", "/findings", STAFF, records.findings),
    Page("GET", "/drafts", STAFF, records.all_drafts),
    Page("GET", "/records/{part}", STAFF, records.listing),
    Page("GET", "/new/{part}", WRITERS, writing.new),
    Page("POST", "/new/{part}", WRITERS, writing.save, room=TEXT),
    Page("GET", "/records/{part}/{id:path}", STAFF, records.one),
    Page("GET", "/edit/{part}/{id:path}", WRITERS, writing.edit),
    Page("POST", "/edit/{part}/{id:path}", WRITERS, writing.save, room=TEXT),
    Page("POST", "/comment/{part}/{id:path}", STAFF, records.comment),
    Page("POST", "/review/{part}/{id:path}", REVIEWERS, records.review),
    Page("POST", "/decide/{part}/{id:path}", "owner", records.decide),
    Page("GET", "/signatures", STAFF, signing.listing),
    Page("POST", "/sign", REVIEWERS, signing.signed),
    Page("GET", "/cases", STAFF, cases.listing),
    Page("GET", "/complain", STAFF, cases.form),
    Page("POST", "/complain", STAFF, cases.complain, room=TEXT),
    Page("GET", "/cases/{number}", STAFF, cases.one),
    Page("POST", "/cases/{number}", "owner", cases.act),
    Page("POST", "/trace/{number}", STAFF, cases.trace_it),
    Page("GET", "/begin", "participant", consult.begin),
    Page("POST", "/begin", "participant", consult.consented),
    Page("GET", "/vote", "participant", consult.vote),
    Page("POST", "/vote", "participant", consult.voted),
    Page("GET", "/answers", "participant", consult.answers),
    Page("GET", "/propose", "participant", consult.propose),
    Page("POST", "/propose", "participant", consult.proposed),
    Page("GET", "/leave", "participant", consult.leave),
    Page("POST", "/leave", "participant", consult.left),
    Page("GET", "/consult", "owner", asking.status),
    Page("POST", "/consult/moderate", "owner", asking.moderate),
    Page("POST", "/consult/write", "owner", asking.write),
    Page("GET", "/people", "owner", owner.crowd),
    Page("POST", "/people/invite", "owner", owner.invite_people),
    Page("POST", "/people/revoke", "owner", owner.revoke),
    Page("POST", "/people/forget", "owner", owner.forget),
    Page("GET", "/log", "owner", owner.log),
    Page("POST", "/log/backup", "owner", owner.make_backup),
)
