"""Every address of the app, its method, and who may use it. There is no other way in.

A test walks this table with every role, and fails for an address that is not in its own list.
"""

from __future__ import annotations

from mores.rate.web import answers, files, media, owner, public, rater, unblinding
from mores.web.call import Page
from mores.web.door import SHARED

PAGES: tuple[Page, ...] = (
    *SHARED,
    Page("GET", "/r/{token}", "public", public.invitation, link=True),
    Page("POST", "/r/{token}", "public", public.come_in, link=True),
    Page("GET", "/o/{token}", "public", public.owner_link, link=True),
    Page("POST", "/o/{token}", "public", public.owner_in, link=True),
    Page("GET", "/begin", "rater", rater.begin),
    Page("POST", "/begin", "rater", rater.consented),
    Page("GET", "/rate", "rater", answers.rate),
    Page("POST", "/rate", "rater", answers.answered),
    Page("POST", "/next", "rater", answers.go_on),
    Page("GET", "/answer/{item}", "rater", answers.change),
    Page("GET", "/feedback/{item}", "rater", answers.feedback),
    Page("POST", "/stop", "rater", rater.stop),
    Page("GET", "/stopped", "rater", rater.stopped),
    Page("GET", "/guess", "rater", rater.guess),
    Page("POST", "/guess", "rater", rater.guessed),
    Page("GET", "/done", "rater", rater.done),
    Page("POST", "/settings", "rater", rater.settings),
    Page("POST", "/logout", "rater owner", public.sign_out),
    Page("GET", "/media/{item}", "rater owner", media.content),
    Page("GET", "/media/{item}/captions", "rater owner", media.captions),
    Page("GET", "/owner", "owner", owner.overview),
    Page("GET", "/owner/raters", "owner", owner.raters),
    Page("POST", "/owner/invite", "owner", owner.invite),
    Page("POST", "/owner/revoke", "owner", owner.revoke_link),
    Page("POST", "/owner/release", "owner", owner.release_items),
    Page("POST", "/owner/forget", "owner", owner.forget_rater),
    Page("POST", "/owner/backup", "owner", owner.back_up),
    Page("GET", "/owner/audit", "owner", owner.audit_log),
    Page("GET", "/owner/export", "owner", files.listing),
    Page("GET", "/owner/files/{name}", "owner", files.download),
    Page("GET", "/owner/unblind", "owner", unblinding.ask),
    Page("POST", "/owner/unblind", "owner", unblinding.unblinded),
    Page("GET", "/owner/compare", "owner", unblinding.compare),
)
