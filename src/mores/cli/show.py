"""What each command prints, from what its function returned. Returns the exit code, if not 0."""

from __future__ import annotations

from typing import Any

import click

MARKS = {
    "shown": "✓",
    "non-inferior": "✓",
    "worse": "✗",
    "not shown": "–",
    "inconclusive": "–",
    "descriptive": "·",
    "not computable": "?",
}


def show_init_study(files: Any, values: dict[str, Any]) -> None:
    """Name the files and the next command."""
    for path in files:
        click.echo(f"wrote {path}")
    click.echo(f"\nnext:  mores run {values['folder']}")


def show_import_dataset(report: Any, values: dict[str, Any]) -> None:
    """Say what was read and what was dropped."""
    click.echo(f"{report.samples} samples read as {report.format}, written to {report.target}")
    for category, count in report.categories.items():
        click.echo(f"  {category}: {count}")
    for note in report.notes:
        click.echo(f"  {note}")


def show_check_study(result: Any, values: dict[str, Any]) -> int:
    """Print the findings; exit code 1 where there are errors."""
    if values["output"]:
        click.echo(f"wrote {values['output']}")
    else:
        click.echo(result.text)
    return 1 if result.errors else 0


def show_plan_study(plan: Any, values: dict[str, Any]) -> None:
    """Print settings with their origin, work, time and what can be shown."""
    click.echo(f"study {plan.study}, preset {plan.preset}\n")
    click.echo("settings")
    for key, value, origin in plan.settings:
        click.echo(f"  {key:<36} {_short(value, 60):<60} {origin}")
    for model in plan.models:
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
    categories = ", ".join(f"{name} {n}" for name, n in plan.prompts.items())
    click.echo(f"\nprompts       {sum(plan.prompts.values())}: {categories}")
    click.echo(f"completions   {plan.completions:,}, and {plan.stem_completions:,} of stems")
    click.echo(
        f"ratings       {plan.ratings:,}, {plan.raters_per_item} for each output, by {plan.seats} "
        f"raters: about {plan.rater_hours:g} hours in all (at 45 s each, an assumption)"
    )
    chances = ", ".join(f"{d} points {100 * p:.0f} %" for d, p in plan.rating_power.items())
    if chances:
        click.echo(
            f"power         to show a true difference in mean rating of {chances} (spreads assumed)"
        )
    for number, sentence in enumerate(plan.capability):
        click.echo(f"{'' if number else 'capability':<14}{sentence}")
    click.echo(f"smallest p    overall {plan.smallest_p['overall']:.2g}")
    for note in plan.notes:
        click.echo(f"note: {note}")


def show_run_study(result: Any, values: dict[str, Any]) -> None:
    """Print the verdicts and where the report is."""
    click.echo("")
    for headline in result.report.headlines:
        click.echo(f"{MARKS[headline.verdict]} {headline.verdict.upper()}  {headline.sentence}")
    for missing in result.report.missing:
        click.echo(f"  missing: {missing.what}: {missing.why}")
    click.echo(f"\nreport: {result.page}")


show_report_study = show_run_study


def show_tune_study(arms: Any, values: dict[str, Any]) -> None:
    """Name the tuned arms and where they are."""
    for arm in arms:
        losses = [row["loss"] for row in arm.log]
        click.echo(f"{arm.key.name:<22} loss {losses[0]:.3f} → {losses[-1]:.3f}  {arm.folder}")


def show_sample_study(result: Any, values: dict[str, Any]) -> None:
    """Count what was drawn."""
    click.echo(f"{len(result.completions)} completions, {len(result.stems)} of stems")


def show_measure_toxicity(result: Any, values: dict[str, Any]) -> None:
    """Print a validation card, or mean scores by arm with coverage."""
    if hasattr(result, "to_markdown"):
        click.echo(result.to_markdown())
        return
    by: dict[str, list[Any]] = {}
    for score in result:
        by.setdefault(score.scorer, []).append(score)
    for name, scores in by.items():
        there = [s.value for s in scores if s.value is not None]
        mean = f"mean {sum(there) / len(there):.4f}" if there else "no mean"
        absent = len(scores) - len(there)
        click.echo(
            f"{name}: {len(there)} scored, {absent} not scorable, {mean}; see `mores report`"
        )


def show_measure_cooccurrence(result: Any, values: dict[str, Any]) -> None:
    """Print the most favoured words of each group."""
    results = result if isinstance(result, list) else None
    topics = [t for r in results for t in r.topics] if results is not None else [result]
    for topic in topics:
        name = f"{topic.topic or 'corpus'} {topic.arm}".strip()
        shown = "unknown how many" if topic.shown is None else topic.shown
        click.echo(f"\n{name}: {topic.tested} words tested, {shown} shown with a group")
        for group in dict.fromkeys(t.group for t in topic.terms):
            own = [t for t in topic.terms if t.group == group][:8]
            words = ", ".join(_word(t) for t in own)
            click.echo(f"  {group}: {words}")
        for text in (topic.note, topic.reason):
            if text:
                click.echo(f"  {text}")
    click.echo("\n* family-wise p at most .05 (permutation of documents)")


def show_measure_capability(items: Any, values: dict[str, Any]) -> None:
    """Print each task's mean by arm."""
    by: dict[tuple[str, str, int], list[float]] = {}
    for item in items:
        if item.value is not None:
            by.setdefault((item.task, item.arm, item.seed), []).append(item.value)
    for (task, arm, seed), found in by.items():
        name = f"{arm}-s{seed}" if seed else arm
        click.echo(f"{task:<16} {name:<22} {sum(found) / len(found):.4f}  ({len(found)} items)")


def show_measure_gates(results: Any, values: dict[str, Any]) -> int:
    """Print one line a gate, part and reference; exit code 1 where one fails."""
    marks = {"pass": "✓", "fail": "✗", "inconclusive": "–", "not measured": "?"}
    for r in results:
        name = f"{r.name} {r.part}".strip()
        click.echo(f"{marks[r.verdict]} {r.verdict:<13} {name:<34} {r.arm} - {r.reference}")
        e = r.estimate
        if e.value is not None and r.margin is not None:
            bound = "no bound" if e.high is None else f"at most {e.high:+.3f}"
            click.echo(f"  harm {e.value:+.3f}, {bound}; margin {r.margin:g}, n = {r.n}")
        if r.reason:
            click.echo(f"  {r.reason}")
        if r.examples and r.verdict != "pass":
            click.echo(f"  for example {', '.join(r.examples[:3])}")
    passed = sum(r.verdict == "pass" for r in results)
    click.echo(f"\n{passed} of {len(results)} pass; what does not pass is not shown to be harmless")
    return 1 if any(r.verdict == "fail" for r in results) else 0


def show_list_models(models: Any, values: dict[str, Any]) -> None:
    """List models."""
    for model in models:
        size = f"{model.bytes / 1e6:.0f} MB" if model.bytes else ""
        click.echo(f"{model.name:<28} {model.source:<8} {model.state:<22} {size:>8}")
        click.echo(f"{'':<28} {model.license}; {model.note}")
    click.echo(
        "\nAlso usable: a folder with safetensors, a .gguf file, or a Hub id such as "
        "HuggingFaceTB/SmolLM2-360M."
    )


def show_list_assets(assets: Any, values: dict[str, Any]) -> None:
    """List assets."""
    for asset in assets:
        state = "cached" if asset.cached else "not fetched"
        state = "terms open" if asset.terms else state
        size = f"{asset.bytes / 1e6:>6.1f} MB"
        click.echo(f"{asset.name:<22} {asset.kind:<8} {size}  {state:<12} {asset.license}")
        click.echo(f"{'':<22} {asset.title}")


def show_examine_machine(checks: Any, values: dict[str, Any]) -> int:
    """Print one line a check; exit code 1 where something needed is missing."""
    marks = {"ok": "✓", "note": "·", "missing": "✗"}
    for check in checks:
        click.echo(f"{marks[check.state]} {check.name:<22} {check.detail}")
        if check.fix:
            click.echo(f"  {'':<22} → {check.fix}")
    return 1 if any(c.state == "missing" for c in checks) else 0


def _word(term: Any) -> str:
    star = "*" if term.p_family is not None and term.p_family <= 0.05 else ""
    return f"{term.term} (z {term.z:+.1f}{star})"


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
