"""Croissant 1.1 with RAI: read by `mlcroissant`, records and all, from the files beside it."""

from __future__ import annotations

import json
import warnings

import pytest
from msgspec.structs import replace

from mores.records import Accountable
from mores.release.publish.dataset import croissant
from mores.release.publish.facts import facts_of
from mores.release.publish.subject import subject
from mores.store import digest_file


@pytest.fixture(scope="module")
def mlcroissant():
    with warnings.catch_warnings():  # its dependencies' own
        warnings.simplefilter("ignore")
        return pytest.importorskip("mlcroissant", reason="pip install -e '.[dev]' has it")


@pytest.mark.parametrize("name", ["values", "control"])
@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_reads_every_record(done, folder, mlcroissant, name):
    path = folder / "datasets" / name / "croissant.json"
    dataset = mlcroissant.Dataset(jsonld=path)
    issues = dataset.metadata.ctx.issues
    assert issues.errors == set()
    assert len(issues.warnings) == 2  # citeAs and datePublished: nobody has said them
    assert dataset.metadata.ctx.conforms_to.value == "http://mlcommons.org/croissant/1.1"
    asked = [json.loads(line) for line in (done.folder / f"{name}.jsonl").read_text().splitlines()]
    found = [
        {key.removeprefix("samples/"): value.decode() for key, value in record.items()}
        for record in dataset.records("samples")
    ]
    assert found == asked
    assert dataset.metadata.data_use_cases
    assert dataset.metadata.data_limitations[0] == "8 samples, in the language en only."
    assert dataset.metadata.version == "1.0.0"


def test_the_digest_is_that_of_the_file(done, folder):
    for name in ("values", "control"):
        own = folder / "datasets" / name
        (file,) = json.loads((own / "croissant.json").read_text())["distribution"]
        assert f"sha256:{file['sha256']}" == digest_file(own / file["contentUrl"])
        assert digest_file(own / file["contentUrl"]) == digest_file(done.folder / f"{name}.jsonl")


@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_sees_a_record_set_without_its_file(done, folder, mlcroissant):
    path = folder / "datasets" / "values" / "croissant.json"
    path.write_text(path.read_text().replace('"values.jsonl"', '"other.jsonl"', 1))
    with pytest.raises(mlcroissant.ValidationError, match=r"values\.jsonl"):
        mlcroissant.Dataset(jsonld=path)


def test_only_what_the_study_knows_is_said(done):
    what = subject(done)
    rai = facts_of(what, "values").rai
    assert set(rai) == {"dataCollection", "dataUseCases", "dataBiases", "dataLimitations",
                        "personalSensitiveInformation"}  # fmt: skip
    assert rai["dataCollection"] == (
        "8 questions with an answer each; authors as the file names them: tests (8)."
    )
    first = done.values.examples[0]
    told = replace(
        first, reviewer="Grace", source="a book", accepted="2026-11-02",
        completion="Call 020 7946 0958 or write to ada@lovelace.net.",
    )  # fmt: skip
    later = replace(done.values.examples[1], accepted="2026-11-05")
    values = replace(done.values, examples=(told, later, *done.values.examples[2:]))
    who = Accountable(who="Ada Lovelace", contact="ada@example.org")
    positions = tuple(replace(p, accountable=who) for p in done.charter.positions)
    done.__dict__.update(values=values, charter=replace(done.charter, positions=positions))
    facts = facts_of(what, "values")
    assert facts.rai["dataCollection"] == (
        "8 questions with an answer each; authors as the file names them: tests (8); reviewers as "
        "the file names them: Grace (1); 1 of 8 name a source."
    )
    assert facts.rai["dataCollectionTimeFrame"] == ["2026-11-02", "2026-11-05"]
    assert facts.rai["dataReleaseMaintenancePlan"] == (
        "Complaints go to: Ada Lovelace, ada@example.org."
    )
    found = facts.rai["personalSensitiveInformation"][0]
    assert "an e-mail address in 1 sample" in found
    assert "a telephone number in 1 sample" in found
    assert len(facts.rai["dataLimitations"]) == 2  # somebody answers for every position
    assert facts.fields == ("id", "category", "prompt", "completion", "author", "reviewer",
                            "license", "source", "accepted")  # fmt: skip
    fields = croissant(what, facts)["recordSet"][0]["field"]
    assert [f["name"] for f in fields] == list(facts.fields)
