"""Answers from a service: the contract, its faults, its bill, and what never leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import check
from msgspec.structs import replace
from safetensors.torch import load_file, save_file
from served import KEY, Service, serve

from mores import store
from mores.errors import DataError, ModelError, ServiceError, StudyError
from mores.remote.reply import Clock
from mores.sample import sample
from mores.sample.endpoint.ledger import LEDGER
from mores.sample.engine import SEEDED, engine_of
from mores.step import read_manifest
from mores.study import Study, folders, load_study
from mores.study.elsewhere import Endpoint, Prices
from mores.tune.base import base_of
from mores.tune.run import tune, tuned_folders


@pytest.fixture
def service(tuned_study: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setattr(Clock, "sleep", staticmethod(lambda seconds: None))
    monkeypatch.setenv("MORES_TEST_KEY", KEY)
    study = load_study(tuned_study)
    spec = study.config.models[0]
    with serve(base_of(spec), tuned_folders(study, spec, lambda _: None)) as service:
        yield service


def asking(folder: Path, service: Service, **settings: object) -> Study:
    """The study with its model behind the service."""
    study = load_study(folder, overrides=("sample.decoding.temperature=1.0",))
    endpoint = Endpoint(url=service.url, key_env="MORES_TEST_KEY", concurrency=4)
    spec = replace(study.config.models[0], engine="openai", endpoint=replace(endpoint, **settings))
    return study.with_config(replace(study.config, models=(spec,)))


def step_folder(study: Study) -> Path:
    return folders.model_folder(study, study.config.models[0].name) / "sample"


def test_the_contract(tuned_study: Path, service: Service, tmp_path: Path) -> None:
    seen = check(engine_of("openai"), asking(tuned_study, service), tmp_path)
    assert seen.facts["random_numbers"] == SEEDED
    assert seen.facts["api"] == "completions"
    assert seen.facts["answered_by"] == ["control-s1", "tiny-model", "values_targeted-s1"]
    assert len(seen.facts["probe"]) == 2
    assert all("of the trainer" in line for line in seen.facts["probe"])


def test_chat_reads_the_same_prompts(tuned_study: Path, service: Service, tmp_path: Path) -> None:
    seen = check(engine_of("openai"), asking(tuned_study, service, api="chat"), tmp_path)
    assert seen.facts["api"] == "chat"
    assert "messages" in service.asked[0]


def test_a_step_asks_for_each_answer_once(tuned_study: Path, service: Service) -> None:
    study = asking(tuned_study, service)
    rows = sample(study)
    assert len(rows) == 60
    assert len(service.answers) == 60
    assert {r.finish_reason for r in rows} <= {"stop", "length", "context"}
    assert 1 < service.most_under_way <= 4
    manifest = read_manifest(step_folder(study))
    assert manifest.config["engine"] == "openai"
    assert manifest.facts["engine"]["spent_tokens"] > sum(r.tokens for r in rows)
    assert sample(study) == rows
    assert len(service.answers) == 60  # done before


@pytest.mark.parametrize(
    "fault",
    [
        lambda asked: (429, {"Retry-After": "3"}, {"error": {"message": "slow down"}}),
        pytest.param(lambda asked: (500, {}, b"oops"), marks=pytest.mark.long),
        pytest.param(lambda asked: (503, {}, {"error": "busy"}), marks=pytest.mark.long),
        lambda asked: (200, {}, b'{"choices": [{"text": "cut of'),
    ],
    ids=["429", "500", "503", "cut JSON"],
)
def test_what_passes_is_asked_again(tuned_study: Path, service: Service, fault) -> None:
    plain = {r.id: r.text for r in sample(asking(tuned_study, service))}
    for path in step_folder(asking(tuned_study, service)).rglob("*"):
        path.unlink()
    before = len(service.answers)
    service.faults = {before + 2: fault, before + 7: fault}
    assert {r.id: r.text for r in sample(asking(tuned_study, service))} == plain
    assert len(service.answers) == before + 62


def test_a_service_that_stops_answering_is_gone_on_with_later(
    tuned_study: Path, service: Service
) -> None:
    study = asking(tuned_study, service)
    service.faults = {n: lambda asked: (500, {}, {"error": "down"}) for n in range(30, 1000)}
    with pytest.raises(ServiceError, match=r"5 requests in a row had no answer \(HTTP 500"):
        sample(study)
    kept = (step_folder(study) / "parts" / "journal.jsonl").read_text().splitlines()
    assert len(kept) == 30
    service.faults = {}
    before = len(service.answers)
    assert len(sample(study)) == 60
    assert len(service.answers) == before + 30  # no second bill for the first thirty


KILLED = """
import json, os, signal, sys
from pathlib import Path
from msgspec.structs import replace
from mores.sample import sample
from mores.step import Journal
from mores.study import load_study
from mores.study.elsewhere import Endpoint
from mores.weights import machine

machine.usable_cores = lambda: 1
kept = 0
real = Journal.append

def append(self, record):
    global kept
    real(self, record)
    kept += self.path.name == "journal.jsonl"
    if kept == 20:
        os.kill(os.getpid(), signal.SIGKILL)

Journal.append = append
study = load_study(Path(sys.argv[1]), overrides=("sample.decoding.temperature=1.0",))
endpoint = Endpoint(url=sys.argv[2], key_env="MORES_TEST_KEY", concurrency=4)
spec = replace(study.config.models[0], engine="openai", endpoint=endpoint)
sample(study.with_config(replace(study.config, models=(spec,))))
"""


def test_killed_and_gone_on(tuned_study: Path, service: Service) -> None:
    study = asking(tuned_study, service)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tuned_study), service.url], check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    time.sleep(0.5)  # what was on its way to the service has arrived
    asked = len(service.answers)
    assert 20 <= asked <= 24  # what was under way is lost, nothing else
    rows = sample(study)
    assert len(service.answers) == asked + 40
    spent = read_manifest(step_folder(study)).facts["engine"]["spent_tokens"]
    billed = sum(r.tokens + r.prompt_tokens for r in rows)
    assert spent > billed  # what was under way may have been billed, and is counted


def test_refused_for_good_is_absent_with_its_reason(tuned_study: Path, service: Service) -> None:
    said = {"error": {"message": "flagged by policy", "code": "content_policy"}}
    service.faults = {
        10: lambda asked: (400, {}, said),
        11: lambda asked: (
            200,
            {},
            {
                "id": "x",
                "model": asked["model"],
                "choices": [{"text": "", "finish_reason": "content_filter"}],
                "usage": {"prompt_tokens": len(asked["prompt"]), "completion_tokens": 0},
            },
        ),
    }
    study = asking(tuned_study, service)
    rows = sample(study)
    absent = [r for r in rows if r.absent]
    assert sorted(r.absent for r in absent) == [
        "the service withheld the answer",
        "the service would not answer: HTTP 400: flagged by policy",
    ]
    assert {(r.text, r.finish_reason, r.flags) for r in absent} == {("", "absent", ())}
    assert read_manifest(step_folder(study)).facts["absent"] == 2
    from mores.measure.toxicity import toxicity

    scores = {s.completion_id: s for s in toxicity(study)}
    assert all(scores[r.id].value is None and scores[r.id].reason == r.absent for r in absent)
    from mores.measure.coherence import coherence

    assert len(coherence(study)) == 58
    from mores.rate.blind import blind

    assert not {r.id for r in absent} & {key.completion_id for key in blind(study)[1]}


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (
            401,
            {"error": {"message": "bad key sk-secret-0123"}},
            r"key was refused .*bad key \[key\]",
        ),
        (404, {"error": {"message": "The model `x` does not exist"}}, "model `x` does not exist"),
        (402, {}, "no money left"),
        (429, {"error": {"code": "insufficient_quota", "message": "pay"}}, "no quota left"),
        (400, {"error": {"message": "unknown field seed"}}, r"refuses every request .*field seed"),
    ],
)
def test_what_will_not_pass_stops_at_once(
    tuned_study: Path, service: Service, status: int, body: dict, message: str
) -> None:
    service.faults = {n: lambda asked: (status, {}, body) for n in range(1000)}
    with pytest.raises(ServiceError, match=message):
        sample(asking(tuned_study, service, concurrency=1))
    assert len(service.answers) <= 3


def test_another_model_is_not_taken_for_the_one_that_was_asked(
    tuned_study: Path, service: Service
) -> None:
    service.always = lambda body: (200, {}, {**body, "model": "other-7b"})
    with pytest.raises(ServiceError, match="'other-7b' answered where"):
        sample(asking(tuned_study, service))
    sample(asking(tuned_study, service, answers_as=("other-7b",)))


def test_another_prompt_is_noticed(tuned_study: Path, service: Service) -> None:
    def more(body: dict) -> tuple:
        usage = {**body["usage"], "prompt_tokens": body["usage"]["prompt_tokens"] + 1}
        return 200, {}, {**body, "usage": usage}

    service.always = more
    with pytest.raises(ServiceError, match=r"read \d+ tokens where the prompt has \d+"):
        sample(asking(tuned_study, service))


def test_one_answer_to_two_requests_is_noticed(tuned_study: Path, service: Service) -> None:
    text = {"index": 0, "finish_reason": "stop", "text": "the same"}
    service.always = lambda body: (200, {}, {**body, "id": "cached", "choices": [text]})
    with pytest.raises(ServiceError, match=r"gave one answer twice \(id 'cached'\)"):
        sample(asking(tuned_study, service))


def test_an_adapter_that_does_nothing_is_refused_before_any_answer(
    tuned_study: Path, service: Service
) -> None:
    service.tuned = {name: Path(folder) for name, folder in service.tuned.items()}
    empty = tuned_study / "empty"
    empty.mkdir()
    own = service.tuned["control-s1"]
    (empty / "adapter_config.json").write_bytes((own / "adapter_config.json").read_bytes())
    weights = load_file(own / "adapter_model.safetensors")
    save_file({n: w * 0 for n, w in weights.items()}, empty / "adapter_model.safetensors")
    service.tuned["control-s1"] = empty
    with pytest.raises(ModelError, match="base's numbers: the adapter does nothing"):
        sample(asking(tuned_study, service))
    assert service.answers == []


def test_the_budget_is_never_passed(tuned_study: Path, service: Service) -> None:
    study = asking(tuned_study, service, most_tokens=3000)
    with pytest.raises(ServiceError, match=r"the budget: [\d,]+ of 3,000 tokens are spent"):
        sample(study)
    billed = sum(len(a["prompt"]) + 12 for a in service.asked)
    ledger = (folders.model_folder(study, study.config.models[0].name) / LEDGER).read_text()
    settled = [json.loads(line) for line in ledger.splitlines()]
    spent = sum(line["read"] + line["drawn"] for line in settled if line["settled"])
    assert spent <= 3000
    assert billed >= spent > 2000  # it does not stop long before either
    before = len(service.answers)
    assert len(sample(asking(tuned_study, service, most_tokens=100_000))) == 60
    assert len(service.answers) == 60
    assert before < 60


def test_the_budget_in_money(tuned_study: Path, service: Service) -> None:
    prices = Prices(read=1000.0, drawn=2000.0, currency="EUR")
    with pytest.raises(ServiceError, match=r"of 2 EUR are spent, by the prices in study.toml"):
        sample(asking(tuned_study, service, most_money=2.0, prices=prices))


def test_the_key_is_sent_and_stays_nowhere(tuned_study: Path, service: Service) -> None:
    sample(asking(tuned_study, service))
    assert set(service.keys) == {f"Bearer {KEY}"}
    for path in tuned_study.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_without_its_key_nothing_is_asked(
    tuned_study: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MORES_TEST_KEY")
    with pytest.raises(ServiceError, match="MORES_TEST_KEY holds no key"):
        sample(asking(tuned_study, service))
    assert service.asked == []


def test_a_model_that_is_nowhere_here(tiny_study: Path, service: Service) -> None:
    """Only names are known: chat, no stems, no stance, and the report says why."""
    path = tiny_study / "study.toml"
    text = path.read_text("utf-8").replace(
        'format = "chat"',
        f"""format = "chat"
engine = "openai"
tuner = "none"

[models.endpoint]
url = "{service.url}"
key_env = "MORES_TEST_KEY"
served = {{ values_targeted = "values_targeted-s1", control = "control-s1" }}
""",
    )
    path.write_text(text, "utf-8")
    study = load_study(tiny_study)
    from mores.report.build import build_report
    from mores.run import run

    run(study, check=False)
    report = build_report(study)
    why = {m.what: m.why for m in report.missing}
    assert "weights are not on this machine" in why["Stance"]
    assert "weights are not on this machine" in why["Capability"]
    assert "continues no plain text" in why["Words that go with groups"]
    assert {a["model"] for a in service.asked} == {
        "tiny-model",
        "values_targeted-s1",
        "control-s1",
    }
    assert (
        all(e.value is not None for e in report.estimates if e.measure == "toxicity:lexical")
        or report.estimates
    )
    assert report.models[0].parameters == 0
    from mores.curate import check_study
    from mores.plan import plan
    from mores.revise import revise
    from mores.sample import sample_validation
    from mores.sample.stop_check import stop_share

    assert check_study(study)
    assert plan(study).models == ()
    asked = len(service.asked)
    assert {stop_share(study, arm, 8) for arm in tune(study)} == {(0, 0)}
    assert len(service.asked) == asked
    assert len(sample_validation(study)) == 3 * 2 * 2
    revise(study)
    arms = {arm.folder.name: store.read_json(arm.folder / "served.json") for arm in tune(study)}
    assert arms["control-s1"]["model"] == "control-s1"


def test_an_arm_that_nobody_names_is_refused(tiny_study: Path, service: Service) -> None:
    path = tiny_study / "study.toml"
    more = f'engine = "openai"\ntuner = "none"\n[models.endpoint]\nurl = "{service.url}"'
    path.write_text(path.read_text("utf-8").replace('format = "chat"', f'format = "chat"\n{more}'))
    from mores.errors import TuneError

    with pytest.raises(TuneError, match="does not say what its service calls it"):
        tune(load_study(tiny_study))


def test_an_address_without_encryption_is_refused(tuned_study: Path, service: Service) -> None:
    service.url = "http://example.org/v1"
    with pytest.raises((ServiceError, StudyError), match="not sent without encryption"):
        sample(asking(tuned_study, service))


def test_answers_under_a_wrong_name_are_not_kept_under_the_right_one(
    tuned_study: Path, service: Service
) -> None:
    """Stopped midway, `served` corrected, run again: nothing of the wrong model stays."""
    service.faults = {n: lambda asked: (500, {}, {}) for n in range(30, 1000)}
    chat = {"served": {"control": "values_targeted-s1"}, "api": "chat", "concurrency": 1}
    with pytest.raises(ServiceError):
        sample(asking(tuned_study, service, **chat))
    service.faults = {}
    before = len(service.answers)
    right = sample(asking(tuned_study, service, api="chat"))
    assert len(service.answers) == before + 60  # asked anew, all of them
    assert len(right) == 60


def test_an_arm_without_any_answer_stops_the_step(tuned_study: Path, service: Service) -> None:
    def refuse(asked: dict) -> tuple | None:
        return (400, {}, {"error": {"message": "not this one"}})

    own = service.reply

    def reply(path: str, asked: dict) -> tuple:
        return (
            refuse(asked)
            if asked["model"] == "control-s1" and not asked.get("echo")
            else own(path, asked)
        )

    service.reply = reply
    with pytest.raises(
        ModelError, match=r"none of the 12 answers of arm control-s1 came.*not this"
    ):
        sample(asking(tuned_study, service))


def test_a_budget_counts_what_extra_asks_for(tuned_study: Path, service: Service) -> None:
    study = asking(tuned_study, service, most_tokens=900, extra={"max_tokens": 800})
    with pytest.raises(ServiceError, match="at most 800 of its answer"):
        sample(study)


def test_a_budget_in_money_needs_prices() -> None:
    with pytest.raises(ValueError, match="most_money needs prices"):
        Endpoint(url="http://localhost/v1", most_money=1.0)


def test_one_name_for_several_training_runs_is_refused(tiny_study: Path) -> None:
    path = tiny_study / "study.toml"
    more = (
        'engine = "openai"\ntuner = "none"\n[models.endpoint]\nurl = "http://localhost/v1"\n'
        'served = { values_targeted = "x" }'
    )
    path.write_text(path.read_text("utf-8").replace('format = "chat"', f'format = "chat"\n{more}'))
    with pytest.raises(StudyError, match="for all of 2 training seeds; name each"):
        load_study(tiny_study, overrides=("train_seeds=[1, 2]",))


def test_a_damaged_ledger_is_named_with_its_line(tuned_study: Path, service: Service) -> None:
    study = asking(tuned_study, service)
    path = folders.model_folder(study, study.config.models[0].name) / LEDGER
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}\n", "utf-8")
    with pytest.raises(DataError, match=r"ledger.jsonl:1: not a line that mores wrote"):
        sample(study)
