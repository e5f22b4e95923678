"""The study in a browser: write, discuss, accept, be asked, complain."""

from __future__ import annotations

from pathlib import Path

from mores.store import Say
from mores.study import Study

__all__ = ["serve_desk"]


def serve_desk(
    study: Study,
    *,
    name: str = "owner",
    database: str | None = None,
    host: str = "127.0.0.1",
    port: int = 8766,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    behind_proxy: str | None = None,
    say: Say,
) -> None:
    """Open the study in a browser: write, review, accept, and answer for it.

    Authors write and change drafts, reviewers comment and ask for changes, the owner accepts. The
    study's files stay the truth: accepting writes them, and a change made outside is seen and put
    together or shown. Drafts, comments and complaints are kept in a database beside the study;
    what a page calls saved survives a kill. Ctrl-C stops it, and the same command goes on.

    Args:
        study: the study.
        name: yours, as it stands in files and signatures.
        database: where drafts are kept: a path for SQLite, or postgresql://user@host/name; by
            default in the study's folder.
        host: address to listen at; other machines only with encryption.
        port: port to listen at.
        tls_cert: certificate file (PEM), for HTTPS.
        tls_key: key file (PEM) of the certificate.
        behind_proxy: the address that browsers use, https://..., where a proxy holds the
            certificate.
        say: prints.

    Raises:
        MoresError: a file of the study cannot be read, an unsafe address, a database that cannot
            be used, a port that is taken.
    """
    from dataclasses import replace

    from mores.desk.serve import Options, serve

    options = Options(
        name=name,
        database=database,
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        behind_proxy=behind_proxy,
    )
    serve(lambda: replace(study), options, say=say)
