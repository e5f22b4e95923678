"""What `mores models`, `mores assets` and `mores doctor` print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.plan import Check
    from mores.weights import KnownModel
    from mores.weights.assets import AssetStatus


def models(known: list[KnownModel], values: dict[str, Any]) -> None:
    """List models."""
    for model in known:
        size = f"{model.bytes / 1e6:.0f} MB" if model.bytes else ""
        click.echo(f"{model.name:<28} {model.source:<8} {model.state:<22} {size:>8}")
        click.echo(f"{'':<28} {model.license}; {model.note}")
    click.echo(
        "\nAlso usable: a folder with safetensors, a .gguf file, or a Hub id such as "
        "HuggingFaceTB/SmolLM2-360M."
    )


def assets(listed: list[AssetStatus], values: dict[str, Any]) -> None:
    """List assets."""
    for asset in listed:
        state = "cached" if asset.cached else "not fetched"
        state = "terms open" if asset.terms else state
        size = f"{asset.bytes / 1e6:>6.1f} MB"
        click.echo(f"{asset.name:<22} {asset.kind:<8} {size}  {state:<12} {asset.license}")
        click.echo(f"{'':<22} {asset.title}")


def doctor(checks: list[Check], values: dict[str, Any]) -> int:
    """Print one line a check; exit code 1 where something needed is missing."""
    marks = {"ok": "✓", "note": "·", "missing": "✗"}
    for check in checks:
        click.echo(f"{marks[check.state]} {check.name:<22} {check.detail}")
        if check.fix:
            click.echo(f"  {'':<22} → {check.fix}")
    return 1 if any(c.state == "missing" for c in checks) else 0
