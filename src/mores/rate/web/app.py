"""The rating app: its pages, its people, and what its own errors say."""

from __future__ import annotations

from pathlib import Path

from mores.rate.db.raters import whose
from mores.rate.db.work import KeyConflictError, NotYoursError, WorkError
from mores.rate.web.call import Call
from mores.rate.web.routes import PAGES
from mores.web.call import App, RefusedError


def refusal(error: Exception) -> RefusedError | None:
    """The page for an error of the contract (`mores.rate.db.work`)."""
    if isinstance(error, KeyConflictError):
        return RefusedError("conflict_key", 409)
    if isinstance(error, NotYoursError):
        return RefusedError("not_found", 404)
    if isinstance(error, WorkError):
        return RefusedError("bad_form", 400, error.message)
    return None


APP = App(
    name="mores.rate",
    folder=Path(__file__).parent,
    pages=PAGES,
    call=Call,
    whose=whose,
    refusal=refusal,
    homes={"rater": ("/rate", "rate"), "owner": ("/owner", "owner")},
    texts=("remark",),
    script="app.js",
)
