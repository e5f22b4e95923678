"""consult.toml: a start from the charter, what is refused, and where an error says it is."""

from __future__ import annotations

import pytest

from mores import load_study
from mores.cli.check import check
from mores.consult import need_consultation, read_consultation, wording_of
from mores.consult.start import start
from mores.errors import DataError, StudyError
from mores.progress import Progress

BASE = """title = "What should tiny hold?"

[[questions]]
id = "role"
text = "What is your part?"
options = ["nurse", "lawyer"]
target = { nurse = 0.5, lawyer = 0.5 }

[[statements]]
id = "care-1"
text = "Support people who ask for help."
about = "care"
"""


def write(folder, text=BASE):
    (folder / "consult.toml").write_text(text, encoding="utf-8")
    return load_study(folder)


def test_there_may_be_none(tiny_study):
    study = load_study(tiny_study)
    assert read_consultation(study) is None
    with pytest.raises(DataError, match="nobody is asked") as error:
        need_consultation(study)
    assert "mores consult start" in str(error.value)


def test_a_start_has_a_statement_for_each_position(tiny_study):
    study = load_study(tiny_study)
    path = start(study)
    found = need_consultation(study)
    assert path == tiny_study / "consult.toml"
    assert found.title == "What should tiny hold?"
    assert [(s.id, s.about, s.kind) for s in found.statements] == [
        ("care", "care", "position"),
        ("beauty", "beauty", "position"),
    ]
    assert [s.text for s in found.statements] == [p.statement for p in study.charter.positions]
    assert found.min_cell == 5
    assert found.open_link is False
    with pytest.raises(StudyError, match="already"):
        start(study)


def test_the_examples_charter_gives_a_file_that_can_be_read(tmp_path):
    from mores.study import init

    init(tmp_path / "s", template="wellbeing")
    study = load_study(tmp_path / "s")
    start(study)
    texts = [s.text for s in need_consultation(study).statements]
    assert texts == [" ".join(p.statement.split()) for p in study.charter.positions]


def test_a_whole_file_is_read(tiny_study):
    found = need_consultation(write(tiny_study))
    assert found.questions[0].target == {"nurse": 0.5, "lawyer": 0.5}
    assert found.statement("care-1").text == "Support people who ask for help."
    assert found.statement("other") is None


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("title", "titel", StudyError, "unknown key 'titel'; did you mean 'title'"),
        ('about = "care"', 'abuot = "care"', StudyError, "unknown key 'statements.abuot'"),
        ('about = "care"', 'about = "caer"', DataError, "statement 'care-1'.*did you mean 'care'"),
        ('text = "Support people who ask for help."\n', "", DataError, "care-1.*missing field"),
        ("lawyer = 0.5 }", "lawier = 0.5 }", DataError, "question 'role'.*no option 'lawier'"),
        ("lawyer = 0.5 }", "lawyer = 0.6 }", DataError, "1 at most in sum, found 1.1"),
        ('"nurse", "lawyer"]', '"nurse", "nurse"]', DataError, "option 'nurse' is there twice"),
        ('about = "care"', 'about = "care"\nkind = "clause"', DataError, "needs its number"),
        ('about = "care"', 'about = "care"\nkind = "proposal"', DataError, "from participants"),
        (
            'about = "care"',
            'about = "care"\nagainst = "x"',
            DataError,
            "only a wording has a rival",
        ),
        (
            'about = "care"',
            'about = "care"\nkind = "wording"\nagainst = "care-2"',
            DataError,
            "no other statement 'care-2'",
        ),
        ("[[questions]]", "min_cell = 4\n[[questions]]", DataError, ">= 5"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tiny_study, old, new, kind, said):
    assert old in BASE
    study = write(tiny_study, BASE.replace(old, new))
    with pytest.raises(kind, match=f"(?s)consult.toml.*{said}"):
        read_consultation(study)


def test_an_id_twice(tiny_study):
    again = BASE[BASE.index("[[statements]]") :]
    with pytest.raises(DataError, match="statement 'care-1' is there twice"):
        read_consultation(write(tiny_study, BASE + again))


def test_a_rival_is_about_the_same_position_and_has_none_itself(tiny_study):
    pair = """
[[statements]]
id = "b"
text = "Beauty is in the eye."
about = "beauty"
kind = "wording"
"""
    asked = '\n[[statements]]\nid = "a"\ntext = "Help."\nabout = "care"\nkind = "wording"\n'
    text = BASE + pair + asked + 'against = "b"\n'
    with pytest.raises(DataError, match="rival 'b' is about 'beauty'"):
        read_consultation(write(tiny_study, text))
    circle = BASE + pair + 'against = "a"\n' + asked.replace('"care"', '"beauty"')
    with pytest.raises(DataError, match="rival 'a' has a rival itself"):
        read_consultation(write(tiny_study, circle + 'against = "b"\n'))


def test_mores_check_refuses_a_broken_file(tiny_study):
    study = write(tiny_study, BASE.replace('about = "care"', 'about = "caer"'))
    with pytest.raises(DataError, match="no category 'caer'"):
        check(study, models=False, progress=Progress(quiet=True))


def test_the_digest_of_a_wording_knows_text_language_and_rival(tiny_study):
    from msgspec.structs import replace

    found = need_consultation(write(tiny_study))
    one = found.statements[0]
    other = replace(one, id="rival", text="Another text.")
    digests = {
        wording_of(one, (one,)),
        wording_of(replace(one, text="Support."), (one,)),
        wording_of(replace(one, language="ar"), (one,)),
        wording_of(replace(one, against="rival"), (one, other)),
        wording_of(replace(one, against="rival"), (one, replace(other, text="A third."))),
    }
    assert len(digests) == 5
    assert wording_of(replace(one, about="beauty", id="x"), (one,)) in digests
