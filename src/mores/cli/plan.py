"""What `mores plan` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.plan import ModelPlan, Plan


def plan(work: Plan, values: dict[str, Any]) -> None:
    """Print settings with their origin, work, time and what can be shown."""
    click.echo(f"study {work.study}, preset {work.preset}\n")
    click.echo("settings")
    for key, value, origin in work.settings:
        click.echo(f"  {key:<36} {_short(value, 60):<60} {origin}")
    for model in work.models:
        _show_model(model)
    _show_design(work)


def _show_model(model: ModelPlan) -> None:
    click.echo(f"\n{model.name}: {model.parameters / 1e6:.1f} M parameters")
    tail = f", the last with {model.tail} samples" if model.tail else ""
    click.echo(
        f"  training    {model.tuned_arms} arms, {model.train_tokens:,} tokens an epoch, "
        f"{model.steps_per_epoch} steps an epoch{tail}, {model.steps} steps an arm; "
        f"longest sample {model.longest_sample} tokens"
    )
    click.echo(
        f"  sampling    {model.read_tokens:,} tokens read, at most {model.draw_tokens:,} drawn"
    )
    click.echo(f"  capability  about {model.capability_tokens:,} tokens read")
    if model.rates is not None:
        r = model.rates
        click.echo(
            f"  speed here  train {r.train:,.0f}, read {r.read:,.0f}, draw {r.draw:,.0f} "
            f"tokens/s (measured, {r.rows} rows side by side)"
        )
        click.echo(f"  time        about {model.minutes:g} minutes, at most")
    else:
        click.echo("  time        not measured (--no-probe)")
    click.echo(f"  memory      about {model.memory_gb:g} GB; disk about {model.disk_gb:g} GB")


def _show_design(work: Plan) -> None:
    categories = ", ".join(f"{name} {n}" for name, n in work.prompts.items())
    click.echo(f"\nprompts       {sum(work.prompts.values())}: {categories}")
    click.echo(f"completions   {work.completions:,}, and {work.stem_completions:,} of stems")
    click.echo(
        f"ratings       {work.ratings:,}, {work.raters_per_item} for each output, by {work.seats} "
        f"raters: about {work.rater_hours:g} hours in all (at 45 s each, an assumption)"
    )
    chances = ", ".join(f"{d} points {100 * p:.0f} %" for d, p in work.rating_power.items())
    if chances:
        click.echo(
            f"power         to show a true difference in mean rating of {chances} (spreads assumed)"
        )
    for number, sentence in enumerate(work.capability):
        click.echo(f"{'' if number else 'capability':<14}{sentence}")
    click.echo(f"smallest p    overall {work.smallest_p['overall']:.2g}")
    for note in work.notes:
        click.echo(f"note: {note}")


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
