"""`mores pack` and `mores verify`: evidence as one file, and what was checked of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mores.curate.text import printable

if TYPE_CHECKING:
    from mores.release.pack.model import Packed, Verified

MARK = {"holds": "holds", "differs": "DIFFERS", "not checked": "not checked"}
WIDTH = max(map(len, MARK.values()))


def pack(packed: Packed, values: dict[str, Any]) -> None:
    """Say what was written, what is not in it, and what to keep elsewhere."""
    click.echo(f"{packed.path}  {packed.bytes:,} bytes, {packed.files} files, {packed.level}")
    click.echo(packed.digest)
    for why, count in packed.left_out.items():
        click.echo(f"left out, named by digest: {count} ({why})")
    if packed.signed:
        click.echo(f"signed with the key {packed.signed}")
    else:
        click.echo("not signed: give the digest above to whoever is to check it, by another way")
    for note in packed.notes:
        click.echo(printable(f"note: {note}"))


def verify(found: Verified, values: dict[str, Any]) -> int:
    """Print every check, every difference, and what all that comes to."""
    study = printable(f"{found.study} {found.version}, preset {found.preset}")
    click.echo(f"{study}; {found.level}; by mores {printable(found.mores_version)}")
    click.echo(found.digest)
    for check in found.checks:
        click.echo(printable(f"{MARK[check.state]:<{WIDTH}}  {check.what}: {check.said}"))
    for one in found.differences:
        where = f", {one.where}" if one.where else ""
        click.echo(printable(f"- {one.file}{where}: {one.said} → {one.found}"))
    click.echo(printable(_ending(found)))
    return 1 if found.differences else 0


def _ending(found: Verified) -> str:
    open_ = [check.what for check in found.checks if check.state == "not checked"]
    rest = f"; not checked: {', '.join(open_)}" if open_ else ""
    if found.differences:
        return (
            f"{len(found.differences)} differences: this is not what was packed, or not whole{rest}"
        )
    return f"nothing differs{rest}"
