"""What `mores plan` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from mores.plan import ModelPlan, Plan
    from mores.plan.bill import Bill
    from mores.plan.power import Shows


def plan(work: Plan, values: dict[str, Any]) -> None:
    """Print settings with their origin, work, time and what can be shown."""
    click.echo(f"study {work.study}, preset {work.preset}\n")
    click.echo("settings")
    for key, value, origin in work.settings:
        click.echo(f"  {key:<36} {_short(value, 60):<60} {origin}")
    for model in work.models:
        _show_model(model)
    for bill in work.bills:
        _show_bill(bill)
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


def _show_bill(bill: Bill) -> None:
    parts = [("read", bill.read), ("drawn", bill.drawn), ("trained", bill.trained)]
    tokens = ", ".join(f"{count:,} {what}" for what, count in parts if count)
    about = "about " if bill.estimated else ""
    click.echo(f"\n{bill.model} at {bill.service}")
    click.echo(f"  tokens      {about}{tokens}, at most")
    click.echo(
        f"  price       at most {bill.money:.2f} {bill.currency} by the prices in study.toml"
        if bill.money
        else "  price       not known: study.toml gives no prices"
    )
    click.echo(f"  budget      {bill.budget or 'none set: nothing stops it'}")


def _show_design(work: Plan) -> None:
    categories = ", ".join(f"{name} {n}" for name, n in work.prompts.items())
    click.echo(f"\nprompts       {sum(work.prompts.values())}: {categories}")
    click.echo(f"completions   {work.completions:,}, and {work.stem_completions:,} of stems")
    click.echo(
        f"ratings       {work.ratings:,}, {work.raters_per_item} for each output, by {work.seats} "
        f"raters: about {work.rater_hours:g} hours in all (at 45 s each, an assumption)"
    )
    for shows in work.shows:
        _show_power(shows)
    if work.shows:
        click.echo(f"{'':<14}for values-targeted against control; spreads are assumed")
    for number, sentence in enumerate(work.foreign):
        click.echo(f"{'' if number else 'samples':<14}{sentence}")
    for number, sentence in enumerate(work.capability):
        click.echo(f"{'' if number else 'capability':<14}{sentence}")
    click.echo(f"smallest p    overall {work.smallest_p['overall']:.2g}")
    for note in work.notes:
        click.echo(f"note: {note}")


def _show_power(shows: Shows) -> None:
    """Three lines a measure: chances, the smallest difference, what one more would buy.

    One line where no verdict will be given.
    """
    if shows.no_verdict:
        click.echo(f"{shows.measure:<14}{shows.no_verdict}")
        return
    unit = " points" if shows.measure == "rating" else ""
    scope = f' "{shows.scope}"' if shows.scope else ""
    chances = ", ".join(f"{d}{unit} {100 * p:.0f} %" for d, p in shows.chances.items())
    luck = f"; where there is none {100 * shows.by_luck:.0f} %" if scope else ""
    click.echo(f"{shows.measure:<14}chance that a true difference is shown{scope}: {chances}{luck}")
    now = _size(shows.smallest, unit)
    click.echo(f"{'':<14}smallest difference that is shown in 4 of 5 studies: {now}")
    more = []
    for name, smallest in shows.one_more.items():
        wider = shows.scope and name == "run" and shows.run_scope != shows.scope
        about = f" ({shows.run_scope or 'and then of the method'})" if wider else ""
        more.append(f"{name} {_size(smallest, unit)}{about}")
    click.echo(f"{'':<14}with one more: {'; '.join(more)}")


def _size(smallest: float | None, unit: str) -> str:
    return "none" if smallest is None else f"{smallest:.2g}{unit}"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
