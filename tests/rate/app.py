"""A rating app for tests: a study without any model, its site, and people who use it.

    study = make_study(tmp_path)                   prompts x arms x draws, no torch
    site = make_site(study, now=Clock())           set up, schema up to date
    ada = join(site); consent(ada); rate_all(ada)
    owner(site).get("/owner").text

`Client` is starlette's test client, signed in or not; `submit` posts a form with its token. Limits
are off unless asked for, and every client has an app of its own unless one is given.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock
from urllib.parse import unquote

import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mores import store
from mores.rate.db.migrations import upgrade
from mores.rate.db.raters import invite_link
from mores.rate.db.setup import set_up
from mores.rate.db.tables import metadata
from mores.rate.db.tables import session as session_table
from mores.rate.opened import backup_folder, place_of
from mores.rate.web.app import APP
from mores.rate.web.call import Site
from mores.records import Completion
from mores.study import Study, folders, load_study
from mores.web import door as app_module
from mores.web.call import App
from mores.web.database import Database, open_database
from mores.web.door import make_app
from mores.web.links import hashed
from mores.web.security import Place

HERE = "http://127.0.0.1:8765"
START = 1_760_000_400.0
"""9 October 2025, 09:00 UTC: far from a change of day."""
ARMS = ("base", "values_targeted", "control")
Result = TypeVar("Result")
Outputs = Callable[[str, str, int], str] | Sequence[str]


class Clock:
    """A clock that stands still until it is stepped."""

    def __init__(self, at: float = START) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at

    def step(self, seconds: float) -> float:
        """Go on (or back), and say what time it is then."""
        self.at += seconds
        return self.at


# The study ---------------------------------------------------------------------------------


def make_study(
    folder: Path,
    *,
    prompts: int = 4,
    categories: int = 2,
    arms: Sequence[str] = ARMS,
    draws: int = 1,
    outputs: Outputs | None = None,
    rating_toml: str | None = None,
    per_item: int = 3,
    seats: int = 3,
    titles: Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    seed: int = 2021,
    name: str = "trial",
    **rating: Any,
) -> Study:
    """Write a study with its completions, and load it.

    Args:
        folder: where; made if need be.
        prompts: in all, going round over the categories.
        categories: how many, with the ids ``topic-1``, ``topic-2``, ...
        arms: that were sampled; all of them are rated.
        draws: of each prompt.
        outputs: (prompt id, arm, draw) -> text, or texts taken in turn; by default short texts of
            one length, which differ.
        rating_toml: content of rating.toml, or None for no such file.
        per_item: ratings an item.
        seats: raters planned.
        titles: of the categories, instead of "Topic 1", ...
        texts: of the prompts, instead of "What about 1?", ...
        ids: of the prompts, instead of ``p1``, ...; as many as there are.
        seed: of the study.
        name: of the study.
        rating: other settings of ``[rating]``, such as daily_cap=1000.
    """
    folder.mkdir(parents=True, exist_ok=True)
    topics = [f"topic-{n}" for n in range(1, categories + 1)]
    rules = {"per_item": per_item, "seats": seats, "arms": list(arms), **rating}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in rules.items())
    (folder / "study.toml").write_text(
        f'name = "{name}"\npreset = "quick"\nseed = {seed}\n'
        f'arms = {json.dumps(list(arms))}\n\n[[models]]\nname = "smollm2-135m"\nformat = "chat"\n\n'
        f"[sample]\ndraws = {draws}\n\n[rating]\n{lines}\n",
        encoding="utf-8",
    )
    _charter(folder, topics, titles)
    rows = [
        {
            "id": name,
            "category": topics[(n - 1) % len(topics)],
            "text": texts[(n - 1) % len(texts)] if texts else f"What about {n}?",
            "split": "test",
            "presets": ["palms-2021", "quick"],
        }
        for n, name in enumerate(ids or [f"p{n}" for n in range(1, prompts + 1)], 1)
    ]
    store.write_jsonl(folder / "prompts.jsonl", rows)
    for kind in ("values", "control"):
        samples = [
            {"id": f"{kind}-{t}", "category": t, "prompt": "Why?", "completion": "Because."}
            for t in topics
        ]
        store.write_jsonl(folder / f"{kind}.jsonl", samples)
    if rating_toml is not None:
        (folder / "rating.toml").write_text(rating_toml, encoding="utf-8")
    study = load_study(folder)
    write_completions(study, rows, arms, draws, outputs)
    return study


def _charter(folder: Path, topics: Sequence[str], titles: Sequence[str] | None) -> None:
    blocks = ['version = "1.0.0"\n']
    for n, topic in enumerate(topics, 1):
        title = titles[(n - 1) % len(titles)] if titles else f"Topic {n}"
        statement = f"Support what is kind in topic {n}; oppose what is cruel in it."
        blocks.append(
            f'[[positions]]\ncategory = "{topic}"\ntitle = {_toml(title)}\n'
            f"statement = {_toml(statement)}\n"
        )
    (folder / "charter.toml").write_text("\n".join(blocks), encoding="utf-8")


def _toml(text: str) -> str:
    """A string of JSON is one of TOML, but for DEL."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def write_completions(
    study: Study,
    prompts: Sequence[Mapping[str, Any]],
    arms: Sequence[str],
    draws: int,
    outputs: Outputs | None,
) -> None:
    """Write what `mores sample` would have written."""
    rows: list[Completion] = []
    model = study.config.models[0].name
    for prompt in prompts:
        for arm in arms:
            for draw in range(draws):
                seed = int(arm in ("values_targeted", "control"))
                label = f"{arm}-s{seed}" if seed else arm
                if outputs is None:
                    text = f"Answer {len(rows):05d}: it depends on what is meant."
                elif callable(outputs):
                    text = outputs(prompt["id"], arm, draw)
                else:
                    text = outputs[len(rows) % len(outputs)]
                rows.append(
                    Completion(
                        id=f"{model}.{label}.{prompt['id']}.d{draw}",
                        prompt_id=prompt["id"],
                        category=prompt["category"],
                        model=model,
                        arm=arm,
                        seed=seed,
                        draw=draw,
                        text=text,
                        finish_reason="stop",
                        prompt_tokens=8,
                        tokens=max(len(text.split()), 1),
                    )
                )
    folder = folders.model_folder(study, model) / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    store.write_jsonl(folder / "completions.jsonl", rows)


# The site ----------------------------------------------------------------------------------


def make_site(
    study: Study,
    database_url: str | None = None,
    now: Callable[[], float] | None = None,
    *,
    url: str = HERE,
    behind_proxy: bool = False,
) -> Site:
    """Set a database up and return its site; close it with ``site.database.close()``.

    The times that are kept come from `now`, the system's clock by default.
    """
    where = place_of(study, database_url)
    if "://" not in where:
        Path(where).parent.mkdir(parents=True, exist_ok=True)
    database = open_database(where)
    clock = now or time.time
    try:
        upgrade(database)
        facts = set_up(database, study, now=clock())
    except BaseException:
        database.close()
        raise
    return Site(
        database=database,
        place=Place(url),
        title=facts.title,
        facts=facts,
        study=study,
        backups=backup_folder(study),
        now=clock,
        behind_proxy=behind_proxy,
    )


def app_of(site: Site, app: App = APP, *, limits: bool = False) -> Starlette:
    """The site's app; without its limits unless asked for."""
    if limits:
        return make_app(site, app)
    free = (10**9, 1e9)
    with mock.patch.multiple(app_module, LINKS=free, FORMS=free, READS=free):
        return make_app(site, app)


class Client(TestClient):
    """A browser's requests, as one of our own pages would send them; follows no redirect."""

    def __init__(self, site: Site, app: Starlette) -> None:
        super().__init__(app, base_url=site.place.url, follow_redirects=False)
        self.headers["sec-fetch-site"] = "same-origin"
        self.site = site
        self.link = ""
        """The secret by which this person came in."""
        self.rater = ""
        """Opaque id of the rater, or empty."""
        self.csrf = ""

    @property
    def cookie(self) -> str:
        """The session's secret, or empty."""
        return str(self.cookies.get(self.site.place.cookie, default=None) or "")

    def submit(self, path: str, fields: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """Post a form with this session's token."""
        return self.post(path, data={"csrf": self.csrf, **(fields or {}), **more})


def client(site: Site, app: Starlette | None = None, *, limits: bool = False) -> Client:
    """Somebody who is not signed in."""
    return Client(site, app or app_of(site, limits=limits))


def new_link(
    site: Site, kind: Any = "personal", *, label: str = "Ada", days: float = 30, places: int = 1
) -> str:
    """Make a link; return its secret."""
    with site.database.write() as tx:
        return invite_link(tx, kind, label=label, days=days, places=places, now=site.now())


def join(
    where: Client | Site,
    link: str | None = None,
    *,
    label: str = "Ada",
    panel: Mapping[str, str] | None = None,
    app: Starlette | None = None,
) -> Client:
    """Come in as a rater, by a new personal link unless one is given; nothing is agreed to yet.

    Args:
        where: a site, or a client that is to be signed in.
        link: the link's secret.
        label: of the new link.
        panel: PROLIFIC_PID and SESSION_ID, for open links.
        app: to be shared with other clients.
    """
    me = where if isinstance(where, Client) else client(where, app)
    me.link = link or new_link(me.site, label=label)
    answer = me.submit(f"/r/{me.link}", panel)
    assert answer.status_code == 303, answer.text
    return _known(me)


def owner(where: Client | Site, *, app: Starlette | None = None) -> Client:
    """Come in as the owner."""
    me = where if isinstance(where, Client) else client(where, app)
    me.link = new_link(me.site, "owner", label="", days=1)
    answer = me.submit(f"/o/{me.link}")
    assert answer.status_code == 303, answer.text
    return _known(me)


def _known(me: Client) -> Client:
    """Read what the pages would show, without asking for one."""
    with me.site.database.read() as tx:
        row = tx.execute(
            sa.select(session_table).where(session_table.c.secret == hashed(me.cookie))
        ).one()
    me.csrf, me.rater = row.csrf, row.rater or ""
    return me


# What a rater does -------------------------------------------------------------------------


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, str], dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given, {}))
        elif tag == "input" and given.get("type") == "hidden" and self.forms:
            self.forms[-1][1][given["name"]] = given.get("value", "")


def form(html: str, action: str = "/rate") -> dict[str, str]:
    """The hidden fields of the form with this action; empty where the page has no such form."""
    parser = _Forms()
    parser.feed(html)
    return next((fields for given, fields in parser.forms if given.get("action") == action), {})


def consent(
    me: Client, *, decision: str = "agree", opt_out: Sequence[str] = (), **fields: str
) -> Any:
    """Answer the consent page; fields such as group_age="18 to 24"."""
    answer = me.submit("/begin", {"decision": decision, "opt_out": list(opt_out), **fields})
    assert answer.status_code == 303, answer.text
    return answer


def next_form(me: Client) -> dict[str, str]:
    """The form of the item that is held, asking for one where there is none; empty at the end."""
    for _ in range(4):  # continue page, break page
        answer = me.get("/rate")
        if answer.status_code != 200:
            return {}
        if fields := form(answer.text):
            return fields
        if not form(answer.text, "/next"):
            return {}
        assert me.submit("/next").status_code == 303
    return {}


def rate_one(me: Client, value: Any = 4, **fields: Any) -> str | None:
    """Answer the next item (practice and gold too); return its id, or None at the end.

    Args:
        me: a rater who has consented.
        value: 1 to 5, "cannot", "skip", or a function of the item's id.
        fields: others of the form, such as remark="..." or flag="yes".
    """
    shown = next_form(me)
    if not shown:
        return None
    said = str(value(shown["item"]) if callable(value) else value)
    reasons = {"cannot_reason": "incoherent", "skip_reason": "other"}
    answer = me.submit("/rate", {**shown, **reasons, "answer": said, "seconds": "4.2", **fields})
    assert answer.status_code == 303, answer.text
    return shown["item"]


def rate_all(me: Client, value: Any = 4, *, most: int = 10_000, **fields: Any) -> list[str]:
    """Answer until there is nothing more, through breaks; return the items' ids in order."""
    done: list[str] = []
    while len(done) < most and (name := rate_one(me, value, **fields)) is not None:
        done.append(name)
    return done


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds: table -> its rows in order."""
    with database.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(sa.select(table))), key=repr)
            for table in metadata.sorted_tables
        }


# Requests that no well-behaved client would send --------------------------------------------


@dataclass
class Raw:
    """An answer with its headers as they went out, in order."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    read: int = 0
    """How many pieces of the request's body the app took."""

    def header(self, name: str) -> str | None:
        """The last value of a header."""
        return dict(self.headers).get(name)


def raw(
    app: Any,
    method: str,
    path: str,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: Sequence[bytes] = (),
) -> Raw:
    """Put a request to the app as a server would, with nothing added or made tidy.

    Args:
        app: an ASGI app.
        method: as it is sent.
        path: as it is sent, with its percent signs and query.
        headers: all of them; a Host of the site is put in where there is none.
        body: in pieces.
    """
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    if not any(name.lower() == "host" for name, _ in pairs):
        pairs.insert(0, ("host", "127.0.0.1:8765"))
    where, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(where),
        "raw_path": where.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        "client": ("192.0.2.7", 40000),
        "server": ("127.0.0.1", 8765),
    }
    answer = Raw()
    pieces = list(body) or [b""]

    async def receive() -> dict[str, Any]:
        answer.read += 1
        more = answer.read < len(pieces)
        piece = pieces[answer.read - 1] if answer.read <= len(pieces) else b""
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            pairs = [(name.decode(), value.decode("latin-1")) for name, value in message["headers"]]
            answer.headers = pairs
        else:
            answer.body += message.get("body", b"")

    run(app(scope, receive, send))
    return answer


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a thread of its own: once a browser is open, this one counts as running a loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@contextmanager
def served(study: Study, *, now: Callable[[], float] | None = None) -> Iterator[Site]:
    """The app on a port of this machine, for a browser; limits are off."""
    import uvicorn

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        site = make_site(study, now=now, url=f"http://127.0.0.1:{listening.getsockname()[1]}")
        server = uvicorn.Server(
            uvicorn.Config(app_of(site), log_config=None, access_log=False, server_header=False)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.01)
            yield site
        finally:
            server.should_exit = True
            thread.join(timeout=30)
            site.database.close()
