"""`mores rate serve`: from completions to the first rater's link, and the app until it is stopped.

    serve(study, options, say=print)

Sets the database up where there is none, prints a link for the owner at every start and the
raters' links at the first, backs up every 15 minutes in which something was answered, and stops
on Ctrl-C without losing anything.
"""

from __future__ import annotations

import logging
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.errors import StoreError
from mores.rate.db import audit
from mores.rate.db.backup import last_backup, last_event
from mores.rate.db.engine import Database
from mores.rate.db.facts import Facts, facts_of, is_set_up
from mores.rate.db.raters import invite_link
from mores.rate.db.setup import set_up
from mores.rate.db.tables import invite
from mores.rate.opened import backup_folder, changing
from mores.rate.web.app import make_app
from mores.rate.web.call import Site
from mores.rate.web.owner import backup_now
from mores.rate.web.security import Place, is_loopback
from mores.study import Study

BACKUP_EVERY = 900.0
OWNER_DAYS = 1.0

log = logging.getLogger("mores.rate")


@dataclass(frozen=True)
class Options:
    """Where and how to serve."""

    database: str | None = None
    host: str = "127.0.0.1"
    port: int = 8765
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: str | None = None
    """The address that browsers use, ``https://...``, where a proxy holds the certificate."""
    invite: int | None = None
    """Personal links to make now; by default one a seat at the first start, then none."""


@dataclass(frozen=True)
class Started:
    """What people need to begin."""

    owner_link: str
    rater_links: tuple[str, ...]
    items: int
    ratings: int
    first: bool
    """Whether the study was set up just now."""


def place_for(options: Options) -> Place:
    """The address that browsers use.

    Raises:
        StoreError: the app would be reachable from elsewhere without encryption.
    """
    if (options.tls_cert is None) != (options.tls_key is None):
        raise StoreError("TLS needs both a certificate and its key", fix="--tls-cert and --tls-key")
    for path in (options.tls_cert, options.tls_key):
        if path is not None and not path.exists():
            raise StoreError("no such file", path=path)
    if options.behind_proxy is not None:
        return Place(_proxy(options.behind_proxy))
    name = f"[{options.host}]" if ":" in options.host else options.host.lower()
    if options.tls_cert is not None:
        if options.host in ("", "0.0.0.0", "::"):  # noqa: S104
            raise StoreError(
                f"{options.host!r} is no address that a browser can open",
                fix="--host with the name or address that raters use, as the certificate has it",
            )
        # Browsers leave the usual port out, also where they say which site a form comes from.
        return Place(f"https://{name}" + ("" if options.port == 443 else f":{options.port}"))
    if not is_loopback(options.host):
        raise StoreError(
            f"{options.host} can be reached from other machines, and nothing would be encrypted",
            fix="give --tls-cert and --tls-key, or --behind-proxy https://host where a proxy "
            "holds the certificate; without either only 127.0.0.1 is served",
        )
    return Place(f"http://{name}" + ("" if options.port == 80 else f":{options.port}"))


def _proxy(text: str) -> str:
    """The proxy's address as browsers write it: lower case, without the usual port."""
    shape = re.fullmatch(r"https://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?", text.lower())
    if shape is None:
        raise StoreError(
            f"expected the proxy's address as https://host, found {text!r}",
            fix="--behind-proxy https://ratings.example.org",
        )
    port = shape[2] or ""
    return f"https://{shape[1]}" + ("" if port == ":443" else port)


def prepare(
    database: Database, study: Study, place: Place, *, invites: int | None, now: float
) -> tuple[Facts, Started]:
    """Set up what is missing, and make the links that are to be printed."""
    first = not is_set_up(database)
    facts = set_up(database, study, now=now) if first else facts_of(database)
    count = invites if invites is not None else (facts.rules.seats if first else 0)
    with database.write() as tx:
        # The last start's link lets nobody in any more; sessions that came by it go on.
        tx.execute(
            invite.update()
            .where(invite.c.kind == "owner", invite.c.revoked.is_(None))
            .values(revoked=now)
        )
        owner = invite_link(
            tx, "owner", label="", days=OWNER_DAYS, places=1, now=now, actor="server"
        )
        tokens = [
            invite_link(
                tx, "personal", label=f"rater {i}", days=facts.rules.link_days, places=1, now=now
            )
            for i in range(1, count + 1)
        ]
        audit.append(tx, now=now, actor="server", action="start", detail={"at": place.url})
        items = tx.exec_driver_sql("SELECT count(*) FROM item WHERE kind = 'study'").scalar_one()
    return facts, Started(
        owner_link=f"{place.url}/o/{owner}",
        rater_links=tuple(f"{place.url}/r/{token}" for token in tokens),
        items=items,
        ratings=items * facts.rules.per_item,
        first=first,
    )


def serve(study: Study, options: Options, *, say: Callable[[str], None]) -> None:
    """Run the app until it is stopped.

    Raises:
        MoresError: nothing sampled, an unsafe address, a database that cannot be used, a port
            that is taken.
    """
    import uvicorn

    place = place_for(options)
    _try_certificate(options)
    with changing(study, options.database, now=time.time(), new=True, say=say) as database:
        _try_port(options)  # before links are made that would be shown once, for another port
        facts, started = prepare(database, study, place, invites=options.invite, now=time.time())
        _announce(started, database, say)
        site = Site(
            database,
            facts,
            place,
            study=study,
            backups=backup_folder(study),
            behind_proxy=options.behind_proxy is not None,
        )
        config = uvicorn.Config(
            make_app(site),
            host=options.host,
            port=options.port,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=20,
            limit_concurrency=1000,
            h11_max_incomplete_event_size=64 * 1024,
        )
        _run(uvicorn.Server(config), site, say)


def _try_certificate(options: Options) -> None:
    if options.tls_cert is None:
        return
    try:  # a password would be asked for on the terminal, so an empty one is given
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.tls_cert, options.tls_key, password="")
    except (OSError, ValueError) as error:
        raise StoreError(
            f"no certificate and key that fit each other (PEM, without a password): {error}",
            path=options.tls_cert,
        ) from None


def _try_port(options: Options) -> None:
    kind = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except (OSError, OverflowError) as error:
            raise StoreError(
                f"cannot listen at {options.host} port {options.port}: {error}",
                fix="stop what listens there, or take another one: --port 8766",
            ) from None


def _run(server: Any, site: Site, say: Callable[[str], None]) -> None:
    stopped = threading.Event()
    keeper = threading.Thread(target=_keep, args=(site, stopped), name="backups", daemon=True)
    keeper.start()
    before = signal.signal(signal.SIGTERM, _interrupt)  # a service manager's stop is like Ctrl-C
    try:
        server.run()
    except SystemExit:  # uvicorn's own words went to its log
        raise StoreError(
            f"port {server.config.port} is taken", fix="another one: --port 8766"
        ) from None
    except KeyboardInterrupt:
        pass
    finally:
        stopped.set()
        keeper.join(timeout=60)
        signal.signal(signal.SIGTERM, before)
    say("stopped; everything that was saved is kept, the same command goes on")


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


def _keep(site: Site, stopped: threading.Event) -> None:
    """Back up every so often while something is answered, and at the end."""
    with site.database.read() as tx:  # after a kill, answers that are in no backup wait for theirs
        before = int((last_backup(tx) or {}).get("last", 0))
    while True:
        ended = stopped.wait(BACKUP_EVERY)
        try:
            with site.database.read() as tx:
                newest = last_event(tx)
            if newest != before:
                backup_now(site, site.now())
                before = newest
        except Exception:
            log.exception("the automatic backup failed; earlier ones are untouched")
        if ended:
            return


def _announce(started: Started, database: Database, say: Callable[[str], None]) -> None:
    if started.first:
        say(f"{started.items} outputs to rate, {started.ratings} ratings; who rates what is fixed")
    say(f"database: {database.name}")
    if started.rater_links:
        say("\nlinks for raters, one for each person (shown this once):")
        for link in started.rater_links:
            say(f"  {link}")
    say("\nyour own link (the owner's pages):")
    say(f"  {started.owner_link}")
    say("\nrunning; Ctrl-C stops it\n")
