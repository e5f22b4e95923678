"""From an address to an app that answers there until it is stopped.

place = place_for(address)       refused where nothing would be encrypted
try_port(address)
host(site, app, address, keeper=keeper, say=print)
"""

from __future__ import annotations

import logging
import re
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.errors import StoreError
from mores.store import Say
from mores.web.call import App, Site
from mores.web.door import make_app
from mores.web.security import Place, is_loopback

BACKUP_EVERY = 900.0
"""Seconds."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where and how to serve."""

    host: str = "127.0.0.1"
    port: int = 8765
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: str | None = None
    """The address that browsers use, ``https://...``, where a proxy holds the certificate."""


def place_for(address: Address) -> Place:
    """The address that browsers use.

    Raises:
        StoreError: the app would be reachable from elsewhere without encryption.
    """
    if (address.tls_cert is None) != (address.tls_key is None):
        raise StoreError("TLS needs both a certificate and its key", fix="--tls-cert and --tls-key")
    for path in (address.tls_cert, address.tls_key):
        if path is not None and not path.exists():
            raise StoreError("no such file", path=path)
    if address.behind_proxy is not None:
        return Place(_proxy(address.behind_proxy))
    name = f"[{address.host}]" if ":" in address.host else address.host.lower()
    if address.tls_cert is not None:
        if address.host in ("", "0.0.0.0", "::"):  # noqa: S104
            raise StoreError(
                f"{address.host!r} is no address that a browser can open",
                fix="--host with the name or address that raters use, as the certificate has it",
            )
        # Browsers leave the usual port out, also where they say which site a form comes from.
        return Place(f"https://{name}" + ("" if address.port == 443 else f":{address.port}"))
    if not is_loopback(address.host):
        raise StoreError(
            f"{address.host} can be reached from other machines, and nothing would be encrypted",
            fix="give --tls-cert and --tls-key, or --behind-proxy https://host where a proxy "
            "holds the certificate; without either only 127.0.0.1 is served",
        )
    return Place(f"http://{name}" + ("" if address.port == 80 else f":{address.port}"))


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


def try_certificate(address: Address) -> None:
    """Open certificate and key.

    Raises:
        StoreError: they cannot be used together.
    """
    if address.tls_cert is None:
        return
    try:  # a password would be asked for on the terminal, so an empty one is given
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(address.tls_cert, address.tls_key, password="")
    except (OSError, ValueError) as error:
        raise StoreError(
            f"no certificate and key that fit each other (PEM, without a password): {error}",
            path=address.tls_cert,
        ) from None


def try_port(address: Address) -> None:
    """Listen for a moment.

    Raises:
        StoreError: somebody else listens there, or nobody may.
    """
    kind = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address.host, address.port))
        except (OSError, OverflowError) as error:
            raise StoreError(
                f"cannot listen at {address.host} port {address.port}: {error}",
                fix=f"stop what listens there, or take another one: --port {address.port + 1}",
            ) from None


def host(site: Site, app: App, address: Address, *, keeper: Keeper, say: Say) -> None:
    """Answer requests until Ctrl-C or a service manager's stop.

    Args:
        site: what all requests share.
        app: whose pages.
        address: where to listen.
        keeper: makes backups.
        say: prints.

    Raises:
        StoreError: the port was taken meanwhile.
    """
    import uvicorn

    config = uvicorn.Config(
        make_app(site, app),
        host=address.host,
        port=address.port,
        ssl_certfile=address.tls_cert,
        ssl_keyfile=address.tls_key,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=20,
        limit_concurrency=1000,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = uvicorn.Server(config)
    stopped = threading.Event()
    thread = threading.Thread(target=keeper.keep, args=(stopped,), name="backups", daemon=True)
    thread.start()
    before = signal.signal(signal.SIGTERM, _interrupt)  # a service manager's stop is like Ctrl-C
    try:
        server.run()
    except SystemExit:  # uvicorn's own words went to its log
        raise StoreError(
            f"port {address.port} is taken", fix=f"another one: --port {address.port + 1}"
        ) from None
    except KeyboardInterrupt:
        pass
    finally:
        stopped.set()
        thread.join(timeout=60)
        signal.signal(signal.SIGTERM, before)
    say("stopped; everything that was saved is kept, the same command goes on")


def _interrupt(_number: int, _frame: Any) -> None:
    raise KeyboardInterrupt


class Keeper:
    """Backs up every so often while something is answered, and at the end."""

    def __init__(
        self, newest: Callable[[], int], backed_up: int, back_up: Callable[[], object], name: str
    ) -> None:
        self.newest, self.back_up = newest, back_up
        self.before = backed_up
        """Number of the last answer in a backup; after a kill, later ones wait for theirs."""
        self.log = logging.getLogger(name)

    def keep(self, stopped: threading.Event) -> None:
        """Run until stopped."""
        while True:
            ended = stopped.wait(BACKUP_EVERY)
            try:
                newest = self.newest()
                if newest != self.before:
                    self.back_up()
                    self.before = newest
            except Exception:
                self.log.exception("the automatic backup failed; earlier ones are untouched")
            if ended:
                return
