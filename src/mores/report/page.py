"""A report as one HTML page that needs nothing else: no network, no script, no other file.

Takes a `Report` and its figures, gives the page as text. Model text is hostile: all data goes
through Jinja's autoescaping and through `words.visible`; nothing is ever marked safe in a
template. The only markup made in Python is our own SVG, which escapes what it prints.

    figures = figures(report); Path("index.html").write_text(render(report, figures))
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from mores.consult.in_words import NOBODY_ASKED, set_apart, who_took_part
from mores.consult.voices import RULE
from mores.records import ARMS, CHECKS, Estimate
from mores.report import consult_tables, robust_tables, select, size_tables, tables, words
from mores.report.extreme_table import extreme_rows
from mores.report.figures import Figure
from mores.report.figures.palette import DARK, LIGHT, VARIABLES, variables
from mores.report.figures.svg import rules, symbol
from mores.report.figures.verdicts import mark
from mores.report.headlines import who_rated
from mores.report.judge_lines import judge_lines
from mores.report.language_tables import language_tables
from mores.report.media import captions_address
from mores.report.model import Report

if TYPE_CHECKING:
    from jinja2 import Environment

SECTIONS = (
    ("verdicts", "Verdicts"),
    ("charter", "Charter positions"),
    ("consultation", "Who was asked, and what they said"),
    ("stance", "Stance"),
    ("toxicity", "Toxicity"),
    ("ratings", "Human ratings"),
    ("robust", "Asked in other ways"),
    ("languages", "Effect by language"),
    ("sizes", "Effect by model size"),
    ("coherence", "Coherence"),
    ("words", "Words that go with groups"),
    ("capability", "Capability"),
    ("gates", "Do-no-harm gates"),
    ("answers", "Answers side by side"),
    ("training", "Training"),
    ("plan", "Plan and rounds"),
    ("missing", "What is missing, and why"),
    ("method", "Method"),
)
SURFACES = {
    "light": {"page": "#faf9f6", "surface": "#f2f0eb"},
    "dark": {"page": "#0f1114", "surface": "#1c2025"},
}
"""Papers besides that of the figures; text colours are tested on each."""


def render(report: Report, figures: Mapping[str, Figure]) -> str:
    """Return the page.

    Args:
        report: everything that is shown.
        figures: of the same report, from `figures`; a figure that is not there is said to be
            missing.

    Returns:
        HTML with its style, its script and its figures inside, under a content security
        policy that allows these and nothing else (and files of answers beside the page, where
        answers are no texts). The same report gives the same text.
    """
    from markupsafe import Markup

    css, js = style(), _file("page.js")
    page = environment("mores.report").get_template("page.html.j2")
    return page.render(
        report=report,
        figures=figures,
        css=Markup(css),  # noqa: S704 (our own files)
        js=Markup(js),  # noqa: S704
        policy=policy(css, js, media=any(a.media for q in report.questions for a in q.answers)),
        sections=sections_of(report),
        meanings=words.MEANINGS,
        summary=summary(report),
        **_content(report),
        **_functions(report, figures),
    )


def sections_of(report: Report) -> list[tuple[str, str]]:
    """Return the sections of this report's page: some only where there is something."""
    there = {
        "sizes": report.sizes,
        "consultation": report.consultation,
        "robust": report.robust or report.own_log or None,
        "languages": report.languages or None,
    }
    return [part for part in SECTIONS if there.get(part[0], report) is not None]


def numbers_of(report: Report) -> dict[str, int]:
    """Return the number of each section."""
    return {name: number for number, (name, _) in enumerate(sections_of(report), 1)}


def policy(css: str, js: str, *, media: bool = False) -> str:
    """Return a content security policy that allows exactly this style and this script, if any.

    Args:
        css: the style.
        js: the script, or nothing.
        media: whether the page shows files that lie beside it. ``file:`` is for a page that is
            opened from a disk, where no file has an origin.
    """
    allowed = _hash(js) if js else "'none'"
    beside = " 'self' file:; media-src 'self' data: file:" if media else ""
    return (
        f"default-src 'none'; style-src {_hash(css)}; script-src {allowed}; "
        f"img-src data:{beside}; base-uri 'none'; form-action 'none'"
    )


def summary(report: Report) -> str:
    """Say in one sentence what was compared and how the verdicts fell."""
    names = [model.name for model in report.models]
    who = words.listed(names) if names else "the model"
    head = (
        f"What changed when {who} was tuned on samples that reflect the charter, asked "
        f"{words.plural(report.prompts, 'question')} it was not tuned on"
    )
    tally = Counter(line.claim for line in report.headlines)
    if not tally:
        return f"{head}: no verdict could be reached."
    said = words.listed([f"{n} {verdict}" for verdict, n in tally.items()])
    return f"{head}: of {words.plural(len(report.headlines), 'finding')}, {said}."


def scopes_of(report: Report) -> list[tuple[str, str]]:
    """Return what the verdicts of this report speak of, each with its meaning."""
    there = {part for line in report.headlines for part in line.scope.split(", ")}
    return [(scope, meaning) for scope, meaning in words.SCOPES.items() if scope in there]


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _file(name: str) -> str:
    path = resources.files("mores.report") / "templates" / name
    # A check-out with other line ends must not change the page.
    return path.read_text("utf-8").replace("\r\n", "\n").strip()


def style() -> str:
    """Return the style of the report's pages, for light and dark paper and for print."""
    light = variables(LIGHT) + _surfaces("light")
    dark = variables(DARK) + _surfaces("dark")
    theme = f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return f"{theme}\n{rules(VARIABLES)}\n{_file('page.css')}"


def _surfaces(theme: str) -> str:
    return "".join(f";--{name}:{colour}" for name, colour in SURFACES[theme].items())


def environment(package: str) -> Environment:
    """The templates of a package: everything is escaped, every name must be given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=words.plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )


def _content(report: Report) -> dict[str, Any]:
    """Return the lists that the templates go through."""
    answers = [answer for question in report.questions for answer in question.answers]
    flags = dict.fromkeys(flag for answer in answers for flag in answer.flags)
    cut = ["cut off"] if any(a.finish_reason != "stop" for a in answers) else []
    changes = [c for entry in report.cooccurrence for c in entry["result"]["changes"]]
    topics = [t for entry in report.cooccurrence for t in entry["result"]["topics"]]
    return {
        "models": select.models_of(report),
        "scorers": list(dict.fromkeys(result.scorer for result in report.toxicity)),
        "topics": list(dict.fromkeys(part["topic"] for part in (*topics, *changes))),
        "capability_measures": [
            measure
            for measure in dict.fromkeys(e.measure for e in report.estimates)
            if measure.startswith("capability:")
        ],
        "others": tables.by_measure(select.other_estimates(report)),
        "questions": report.questions,
        "question_categories": list(dict.fromkeys(q.category for q in report.questions)),
        "question_arms": list(dict.fromkeys(answer.arm for answer in answers)),
        "scopes": scopes_of(report),
        "robust_head": robust_tables.ROBUST_HEAD,
        "robust_margin": robust_tables.margin_of(report),
        "kinds": list(dict.fromkeys(q.kind for q in report.questions)),
        "flags": [*cut, *flags],
    }


def _functions(report: Report, figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return what the templates call. Numbers are written by `words`, rows by `tables`."""
    from markupsafe import Markup

    labels = words.arm_labels(report)
    plain = ("fmt", "signed", "interval", "p_value", "count", "plural", "listed", "decimals",
             "contrast_label", "measure_label", "category_label", "arm_kind", "caveat",
             "prompts_of", "reasons")  # fmt: skip
    rows = ("association_rows", "change_rows", "thresholds", "size_rows", "log_head", "log_rows",
             "model_rows", "cost_rows", "setting_rows", "missing_rows", "round_rows", "gate_rows",
             "by_model_and_arm")  # fmt: skip
    consulted = ("about", "vote_rows", "group_rows", "turnout_rows", "consensus_rows",
                 "difference_rows")  # fmt: skip
    otherwise = ("robust_rows", "marked_rows", "share_of", "log_rows_of")
    labelled = (
        "stance_rows",
        "coherence_rows",
        "scorer_rows",
        "rating_rows",
        "cannot_rows",
        "judge_rows",
        "task_rows",
        "arm_rows",
        "weight_rows",
    )
    return {
        **{name: getattr(words, name) for name in plain},
        **{name: getattr(tables, name) for name in rows},
        **{name: partial(getattr(tables, name), labels=labels) for name in labelled},
        **{name: getattr(consult_tables, name) for name in consulted},
        **{name: getattr(robust_tables, name) for name in otherwise},
        "groups_by": consult_tables.by,
        "language_tables": language_tables,
        "minus": words.MINUS,
        "who_took_part": who_took_part,
        "set_apart": set_apart,
        "nobody_asked": NOBODY_ASKED,
        "objection_rule": RULE,
        "extreme_rows": partial(extreme_rows, labels=labels),
        "arm_label": lambda name: labels.get(name, words.arm_label(name)),
        "row_label": partial(_row_label, report),
        "effect_sizes": lambda own, measure: tables.by_measure(
            e for e in own if e.measure != measure and not e.measure.endswith(CHECKS)
        ),
        "captions_address": captions_address,
        "who_rated": who_rated,
        "judge_lines": judge_lines,
        "nested_estimates": tables.topic_estimates,
        "estimates_of": select.estimates_of,
        "model_of": select.model_of,
        "contrasts_of": select.contrasts_of,
        "note_of": select.note_of,
        "why": partial(_why, report),
        "number_of": numbers_of(report),
        "size_models": size_tables.model_rows,
        "size_means": size_tables.mean_rows,
        "size_tests": size_tables.trend_rows,
        "figure_name": lambda *parts: name if (name := select.name_of(*parts)) in figures else "",
        "topic_figures": partial(_topic_figures, figures),
        # Our own SVG, which escapes its texts.
        "drawing": lambda figure: Markup(figure.svg),  # noqa: S704
        "line_break": Markup("<br>"),
        "symbol": lambda verdict: Markup(symbol(mark(verdict, 7, 7))),  # noqa: S704
        "key_symbol": lambda key: Markup(key.symbol),  # noqa: S704
    }


def _row_label(report: Report, estimate: Estimate, first: str) -> str:
    if first == "Task":
        return estimate.measure.removeprefix("capability:")
    if first == "Share":
        label = words.arm_labels(report).get(estimate.category, words.arm_label(estimate.category))
        return f"{label}: {estimate.measure}"
    if first != "Category":
        return estimate.category or estimate.measure
    if estimate.category in ARMS:
        return words.short_arm(estimate.category)
    return words.category_label(estimate.category, report.charter)


def _why(report: Report, section: str) -> str:
    """Return the reasons that the report gives for an empty section."""
    title = dict(SECTIONS)[section].lower()
    own = [m.why for m in report.missing if m.what.lower().startswith(title)]
    if not own:
        return f"Section {numbers_of(report)['missing']} says what is missing and why."
    return f"Why: {'; '.join(dict.fromkeys(own))}."


def _topic_figures(figures: Mapping[str, Figure], topic: str) -> list[tuple[str, str]]:
    """Return the figures of a topic with the part of their title that tells them apart."""
    head = f"Words that go with groups, {topic}: "
    return [
        (name, figure.title.removeprefix(head))
        for name, figure in figures.items()
        if figure.title.startswith(head)
    ]
