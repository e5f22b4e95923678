"""The desk: its pages, its people, and what its own errors say."""

from __future__ import annotations

from pathlib import Path

from mores.desk.call import Call
from mores.desk.entries import TwiceError
from mores.desk.people import whose
from mores.desk.routes import PAGES
from mores.errors import DataError, StoreError
from mores.web.call import App, RefusedError


def refusal(error: Exception) -> RefusedError | None:
    """The page for an error of the desk's own rooms."""
    if isinstance(error, TwiceError):
        return RefusedError("twice", 409)
    if isinstance(error, DataError) and not isinstance(error, StoreError):
        return RefusedError("refused", 400, str(error))
    return None


APP = App(
    name="mores.desk",
    folder=Path(__file__).parent,
    pages=PAGES,
    call=Call,
    whose=whose,
    refusal=refusal,
    homes={
        "owner": ("/desk", "desk"),
        "author": ("/desk", "desk"),
        "reviewer": ("/desk", "desk"),
        "participant": ("/begin", "consult"),
    },
    texts=(
        "title",
        "prompt",
        "completion",
        "text",
        "aligned",
        "opposed",
        "question",
        "answer",
        "expected",
        "why",
        "checked",
        "reason",
    ),
)
