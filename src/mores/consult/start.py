"""A first consult.toml from the charter: one statement a position, and texts to be edited.

start(study)         writes STUDY/consult.toml
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from mores import store
from mores.consult.config import consultation_path
from mores.errors import StudyError
from mores.records import Charter
from mores.study import Study

_HEAD = """\
# Who is asked about this charter, and what they are told. Edit every text: the ones below are
# drafts. `mores consult show` prints what has come in; `mores check` reads this file, too.

title = {title}
version = "1.0.0"
language = {language}

intro = \"\"\"
Before a language model is adapted to the positions below, we ask people what they think of \\
them. You see one statement after another and say whether you agree. It takes about \\
{minutes} minutes, and you may stop at any time.\"\"\"

consent = \"\"\"
Taking part is voluntary. Your answers are kept under a random name. Groups of fewer than five \\
people are never shown. Your own words are printed only where you allow it, without a name. You \\
may withdraw at any time; what you answered is then deleted.\"\"\"

retention = \"\"\"
Say here who keeps the answers, where, until when, and whom to write to.\"\"\"

# Shown before anybody agrees to take part: what the statements touch on.
notices = []

# Lines to somebody who helps, shown on every page.
# [[support]]
# name = "Crisis line"
# contact = "telephone and hours"

# Whether anybody with the link may take part. Who comes by an open link is no sample of a public.
open_link = false
# How many people are invited in all; leave it out where nobody keeps count.
# invited = 120

# Answers of fewer people are never shown by themselves; 5 is the least.
min_cell = 5

# Voluntary questions about oneself: each option is a group. State the target before the first
# answer: who should be heard, as shares or as numbers of people.
# [[questions]]
# id = "role"
# text = "What is your part in this?"
# options = ["clinician", "lawyer", "community member"]
# target_unit = "share"
# target = { clinician = 0.3, lawyer = 0.2, "community member" = 0.5 }
# invited = { clinician = 40, lawyer = 20, "community member" = 60 }

# One statement for each position. Long ones are better asked clause by clause:
#   kind = "clause", clause = 2          a part of the position
#   kind = "example_answer"              an answer that would follow from it
#   kind = "wording", against = "other"  two wordings: which is better?
"""
SECONDS_EACH = 25
"""To read a position and answer: 60 words and a click."""


def start(study: Study) -> Path:
    """Write a first consult.toml from the charter: one statement for each position.

    Edit it: the texts people read first, what they may declare of themselves, who should be heard.

    Returns:
        The file written.

    Raises:
        StudyError: there is one already; nothing is changed then.
        DataError: the charter cannot be read.
    """
    path = consultation_path(study)
    if path.exists():
        raise StudyError(
            "there is a consult.toml already",
            path=path,
            fix="edit it, or move it away; nothing was changed",
        )
    store.write_text(path, draft(study.charter, study.config.name))
    return path


def draft(charter: Charter, study: str) -> str:
    """Return the text of a first consult.toml.

    Args:
        charter: whose positions become statements.
        study: its name, for the title.
    """
    minutes = max(1, round(len(charter.positions) * SECONDS_EACH / 60))
    head = (
        _HEAD.replace("{title}", _quoted(f"What should {study} hold?"))
        .replace("{language}", _quoted(charter.language))
        .replace("{minutes}", str(minutes))
    )
    return head + "".join(_statements(charter))


def _statements(charter: Charter) -> Iterator[str]:
    for position in charter.positions:
        lines = {"id": position.category, "about": position.category, "text": position.statement}
        yield "\n[[statements]]\n"
        yield "".join(f"{key} = {_quoted(' '.join(v.split()))}\n" for key, v in lines.items())


def _quoted(text: str) -> str:
    r"""Return a basic string of TOML; it escapes as JSON does, and also DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
