"""Every address of the desk with every role: the list of what may be done by whom, written out."""

from __future__ import annotations

import pytest
from visitors import SAMPLE, Desk, Person, make_desk

from mores.desk.routes import PAGES

ROLES = ("nobody", "owner", "author", "reviewer", "participant")
OUT = 401
NO = 403
# Page → status for nobody, owner, author, reviewer, participant (who has not consented yet).
ALLOWED = {
    "GET /static/{name}": (200, 200, 200, 200, 200),
    "GET /favicon.ico": (303, 303, 303, 303, 303),
    "GET /healthz": (200, 200, 200, 200, 200),
    "GET /": (200, 200, 200, 200, 200),
    "GET /l/{token}": (200, 200, 200, 200, 200),
    "POST /l/{token}": (303, 303, 303, 303, 303),
    "POST /logout": (OUT, 303, 303, 303, 303),
    "POST /settings": (OUT, 303, 303, 303, 303),
    "GET /desk": (OUT, 200, 200, 200, NO),
    "GET /study.xlsx": (OUT, 200, 200, 200, NO),
    "GET /findings": (OUT, 200, 200, 200, NO),
    "GET /drafts": (OUT, 200, 200, 200, NO),
    "GET /records/{part}": (OUT, 200, 200, 200, NO),
    "GET /new/{part}": (OUT, 200, 200, NO, NO),
    "POST /new/{part}": (OUT, 400, 400, NO, NO),
    "GET /records/{part}/{id:path}": (OUT, 200, 200, 200, NO),
    "GET /edit/{part}/{id:path}": (OUT, 200, 200, NO, NO),
    "POST /edit/{part}/{id:path}": (OUT, 400, 400, NO, NO),
    "POST /comment/{part}/{id:path}": (OUT, 400, 400, 400, NO),
    "POST /review/{part}/{id:path}": (OUT, 400, NO, 400, NO),
    "POST /decide/{part}/{id:path}": (OUT, 400, NO, NO, NO),
    "GET /signatures": (OUT, 200, 200, 200, NO),
    "POST /sign": (OUT, 400, NO, 400, NO),
    "GET /cases": (OUT, 200, 200, 200, NO),
    "GET /complain": (OUT, 200, 200, 200, NO),
    "POST /complain": (OUT, 400, 400, 400, NO),
    "GET /cases/{number}": (OUT, 404, 404, 404, NO),
    "POST /cases/{number}": (OUT, 404, NO, NO, NO),
    "POST /trace/{number}": (OUT, 404, 404, 404, NO),
    "GET /begin": (OUT, NO, NO, NO, 404),
    "POST /begin": (OUT, NO, NO, NO, 404),
    "GET /vote": (OUT, NO, NO, NO, NO),
    "POST /vote": (OUT, NO, NO, NO, NO),
    "GET /answers": (OUT, NO, NO, NO, NO),
    "GET /propose": (OUT, NO, NO, NO, NO),
    "POST /propose": (OUT, NO, NO, NO, NO),
    "GET /leave": (OUT, NO, NO, NO, 200),
    "POST /leave": (OUT, NO, NO, NO, 404),
    "GET /consult": (OUT, 200, NO, NO, NO),
    "POST /consult/moderate": (OUT, 400, NO, NO, NO),
    "POST /consult/write": (OUT, 404, NO, NO, NO),
    "GET /people": (OUT, 200, NO, NO, NO),
    "POST /people/invite": (OUT, 400, NO, NO, NO),
    "POST /people/revoke": (OUT, 400, NO, NO, NO),
    "POST /people/forget": (OUT, 400, NO, NO, NO),
    "GET /log": (OUT, 200, NO, NO, NO),
    "POST /log/backup": (OUT, 303, NO, NO, NO),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for all addresses."""
    return make_desk(tmp_path_factory.mktemp("routes") / "study")


def address(desk: Desk, path: str) -> str:
    parts = {
        "{name}": "app.css",
        "{token}": desk.link("author", "Somebody"),
        "{part}": "values",
        "{id:path}": "v-care-1",
        "{number}": "7",
    }
    for name, value in parts.items():
        path = path.replace(name, value)
    return path


def somebody(desk: Desk, role: str) -> Person:
    return desk.visitor() if role == "nobody" else desk.come(role, role)


def test_the_list_is_whole() -> None:
    assert {f"{page.method} {page.path}" for page in PAGES} == set(ALLOWED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.method} {page.path}")
def test_who_may_do_what(world: Desk, page) -> None:
    found = []
    for role in ROLES:
        me = somebody(world, role)
        where = address(world, page.path)
        answer = me.get(where) if page.method == "GET" else me.submit(where)
        found.append(answer.status_code)
    assert tuple(found) == ALLOWED[f"{page.method} {page.path}"]


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.method == "POST"], ids=lambda page: page.path
)
def test_a_form_without_its_token_or_from_elsewhere_is_refused(world: Desk, page) -> None:
    where = address(world, page.path)
    for role in page.role.split():
        me = somebody(world, role if role != "public" else "nobody")
        if role != "public":
            assert me.post(where, data={"csrf": "x" * 32}).status_code == 403
        me.headers["sec-fetch-site"] = "cross-site"
        assert me.submit(where).status_code == 403


def test_a_record_that_is_not_there_and_a_part_that_is_none(world: Desk) -> None:
    olga = world.come("owner")
    for path in ("/records/values/none", "/records/none", "/edit/values/none", "/new/none"):
        assert olga.get(path).status_code == 404
    for path in (
        "/records/values/v-care-1?draft=99999999999999",
        "/records/values/v-care-1?draft=x",
    ):
        assert olga.get(path).status_code == 200


def test_a_megabyte_in_one_line_is_refused_kindly(world: Desk) -> None:
    ada = world.come("author")
    long = {**SAMPLE, "completion": "x" * 1_200_000, "id": "v-long", "deed": "save"}
    answer = ada.fill("/new/values", "/new/values", **long)
    assert answer.status_code == 413
    assert "That was too long" in answer.text
