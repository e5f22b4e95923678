"""Exports of Polis: read as they stand, held against their own counts, taken into a study."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from mores import load_study
from mores.consult import read_answers
from mores.consult.count import count_answers
from mores.consult.groups import divide
from mores.consult.polis import read_polis
from mores.consult.run import analyse_polis, import_polis
from mores.consult.start import start
from mores.errors import DataError
from mores.stats import adjusted_rand

HEAD = "timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body\n"
COMMENTS = (
    HEAD
    + '3,d,2,8,0,1,-1,"rude, and rejected"\n2,d,1,7,1,1,1,"Two, with a comma"\n1,d,0,7,2,0,0,One\n'
)
VOTES = """participant,group-id,n-comments,n-votes,n-agree,n-disagree,0,1,2
7,0,2,2,2,0,1,1,
8,1,1,3,1,2,1,-1,-1
9,,0,1,0,0,,,0
"""


@pytest.fixture
def export(tmp_path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "comments.csv").write_text(COMMENTS)
    (folder / "participants-votes.csv").write_text(VOTES)
    (folder / "summary.csv").write_text('topic,"What now?"\nurl,https://pol.is/2demo\n')
    return folder


def test_votes_comments_and_groups(export):
    found = read_polis(export)
    assert found.consultation.title == "What now?"
    assert [(s.id, s.text, s.withdrawn) for s in found.consultation.statements] == [
        ("polis-0", "One", ""),
        ("polis-1", "Two, with a comma", ""),
        ("polis-2", "rude, and rejected", "rejected by a moderator"),
    ]
    assert sorted(found.groups.values()) == [0, 1]
    assert found.authors["polis-0"] == f"{found.prefix}-7"
    assert found.notes == ()
    counted = count_answers(found.consultation, found.answers)
    np.testing.assert_array_equal(counted.table, [[1, 1], [1, -1]])
    assert [(a.statement, a.votes) for a in counted.apart] == [("polis-2", 2)]
    assert counted.silent == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("8,1,1,3,1,2,1,-1,-1", "8,1,1,3,2,1,1,-1,-1", "votes.csv:3.*the other way round"),
        ("8,1,1,3,1,2,1,-1,-1", "8,1,1,3,1,2,1,-1,-2", "votes.csv:3.*expected 1, 0 or -1"),
        ("n-disagree,0,1,2", "n-disagree,0,1,5", "votes on comment 5"),
        ("7,0,2,2,2,0", "7,0,2,two,2,0", "votes.csv:2.*whole number, found 'two'"),
        ("group-id", "group", "group-id"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(export, old, new, said):
    assert old in VOTES
    (export / "participants-votes.csv").write_text(VOTES.replace(old, new))
    with pytest.raises(DataError, match=f"(?s){said}"):
        read_polis(export)


def test_counts_that_differ_are_told(export):
    (export / "participants-votes.csv").write_text(VOTES.replace("7,0,2,2,2,0", "7,0,2,3,3,0"))
    (export / "comments.csv").write_text(COMMENTS.replace("1,d,0,7,2,0", "1,d,0,7,5,0"))
    assert read_polis(export).notes == (
        "participant 7: the file says 3 votes, 3 agrees, 0 disagrees; its votes are 2, 2, 0",
        "polis-0: the file says 5 agrees and 0 disagrees; its votes are 2 and 0",
    )


def test_comments_in_the_studys_words_are_its_statements(export, tiny_study):
    study = load_study(tiny_study)
    with pytest.raises(DataError, match="nobody is asked"):
        import_polis(study, export)
    path = start(study)
    path.write_text(path.read_text() + '\n[[statements]]\nid = "one"\ntext = "ONE"\nabout = "care"')
    found = import_polis(study, export)
    assert (found.participants, found.votes, found.matched) == (3, 6, 1)
    assert found.proposals == {"accepted": 1, "pending": 0, "rejected": 1}
    once = read_answers(study)
    assert {v.statement for v in once.votes} == {"one", "polis-1", "polis-2"}
    assert [p.state for p in once.proposals] == ["accepted", "rejected"]
    import_polis(study, export)
    assert read_answers(study) == once


def test_an_export_by_itself(export):
    found = analyse_polis(export)
    assert (found.participants, found.votes, found.groups.verdict) == (2, 4, "too few")
    assert all(row.total.n is None for row in found.statements)
    assert "no sample of any public" in found.cautions[0]


DATA = os.environ.get("MORES_POLIS_DATA", "")


@pytest.mark.skipif(not DATA, reason="MORES_POLIS_DATA names no folder with open Polis data")
@pytest.mark.parametrize(
    ("name", "placed", "agreement"),
    [("brexit-consensus", 189, 0.8), ("15-per-hour-seattle", 138, 0.4)],
)
def test_the_published_groups_are_found(name, placed, agreement):
    export = read_polis(Path(DATA) / name)
    counted = count_answers(export.consultation, export.answers)
    rows = np.flatnonzero((~np.isnan(counted.table)).sum(axis=1) >= 7)
    assert len(rows) == placed
    published = [export.groups[counted.participants[row].id] for row in rows]
    table = counted.table[rows]
    found = divide(table[:, ~np.isnan(table).all(axis=0)], np.random.default_rng(0), k=2)
    assert adjusted_rand(found.labels, published) >= agreement
