"""[[judges]] in study.toml: what is one, and what is refused."""

from __future__ import annotations

import pytest

from mores.errors import StudyError
from mores.study import load_study

HERE = 'name = "a-7b"\nfamily = "a"\nmodel = "org/A-7B"\n'
THERE = 'name = "b-1"\nfamily = "b"\nendpoint = {url = "https://host/v1", key_env = "B_KEY"}\n'


@pytest.fixture
def read(tmp_path):
    def load(*judges: str):
        tables = "".join(f"\n[[judges]]\n{text}" for text in judges)
        (tmp_path / "study.toml").write_text(f'name = "t"\npreset = "quick"\n{tables}', "utf-8")
        return load_study(tmp_path).config.judges

    return load


def test_there_is_no_default_judge(read):
    assert read() == ()


def test_here_and_there(read):
    here, there = read(HERE, THERE)
    assert (here.name, here.family, here.asked, here.endpoint) == ("a-7b", "a", "org/A-7B", None)
    assert (there.asked, there.endpoint.key_env) == ("b-1", "B_KEY")
    served = THERE.replace("url", 'served = {judge = "host/b"}, url')
    assert read(served)[0].asked == "host/b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "a"\nfamily = "a"\n', "give either model or endpoint"),
        (HERE + 'endpoint = {url = "https://h/v1"}\n', "give either model or endpoint"),
        (HERE.replace("family", "famly"), "unknown key 'judges.famly'.*family"),
        ('name = "a"\nmodel = "m"\n', "missing field `family`"),
        (HERE.replace('"a"', '" "'), "family is empty"),
        (HERE.replace("a-7b", "a 7b"), "a name without blanks"),
        (THERE.replace("url", 'api = "completions", url'), "a judge is asked in chat"),
    ],
)
def test_what_is_refused(read, text, said):
    with pytest.raises(StudyError, match=said):
        read(text)


def test_two_judges_of_one_folder(read):
    with pytest.raises(StudyError, match="judges repeats a value"):
        read(HERE, HERE.replace("a-7b", "a-7b."))
