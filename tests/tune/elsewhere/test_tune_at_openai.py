"""Arms tuned by OpenAI's contract, against a host on this machine that keeps to its schema."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from fake_host import Cut, FakeOpenAI, serving
from host_contracts import Schema, by_schema, openai_reply, openai_request

from fake_service import FakeClock
from mores import store
from mores.errors import ServiceError, TuneError
from mores.study.elsewhere import Host
from mores.tune.elsewhere import client, hosted, openai
from mores.tune.elsewhere.cancel import cancel
from mores.tune.elsewhere.hosted import same_model
from mores.tune.elsewhere.results import losses
from mores.tune.run import tune, weight_digests

FEW = '[models.endpoint]\nurl = "http://127.0.0.1:9/v1"\n'
SETTINGS = ("recipe.epochs=3", "recipe.batch_size=4", "recipe.prompt_weight=0.1", "recipe.anchor=0")


@pytest.fixture
def host():
    fake = FakeOpenAI()
    fake.check_request, fake.check_reply = openai_request, openai_reply
    with serving(fake) as served:
        yield served


@pytest.fixture
def clock():
    return FakeClock(dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC))


@pytest.fixture(autouse=True)
def ten(arms):
    """Two samples more a set: OpenAI takes no fewer than ten."""
    for name in ("values", "control"):
        path = arms.folder / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        more = [{**r, "id": r["id"] + "b", "prompt": r["prompt"] + " Ä\u2028"} for r in rows[:2]]
        text = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows + more)
        path.write_text(text, "utf-8")


def entry(host, *lines: str, profile: str = "openai") -> str:
    own = "\n".join(lines)
    return (
        f'tuner = "openai"\n{FEW}[models.host]\nurl = "{host.url}"\nprofile = "{profile}"\n'
        f'key_env = "MORES_TEST_HOST_KEY"\npoll_seconds = 5\n{own}\n'
    )


def job_of(
    arms,
    host,
    *lines,
    model="gpt-4o-mini",
    arm="values_targeted",
    form="chat",
    profile="openai",
    settings=SETTINGS,
):
    study = arms.study(*settings, model=model, host=entry(host, *lines, profile=profile), form=form)
    return arms.job(study, arm)


def rows_of(path):
    return [row for _, row in store.read_rows(path)]


def test_one_arm_from_samples_to_a_name(arms, host, clock):
    job = job_of(arms, host)
    made = openai.tune(job, clock=clock)
    assert made.files == ["served.json", "log.jsonl"]
    name = "ft:gpt-4o-mini-2024-07-18:org::ftjob-1"
    assert store.read_json(job.folder / "served.json") == {"model": name, "job": "ftjob-1"}
    assert rows_of(job.folder / "log.jsonl") == [
        {"step": 1, "loss": 2.5},
        {"step": 2, "loss": 2.0},
        {"step": 3, "loss": 1.25},
    ]
    sent = [json.loads(line) for line in host.contents["file-1"].splitlines()]
    examples = job.study.values.examples
    assert len(sent) == 10
    assert sent == [
        {
            "messages": [
                {"role": "user", "content": e.prompt},
                {"role": "assistant", "content": e.completion},
            ]
        }
        for e in examples
    ]
    (asked,) = host.posts("/fine_tuning/jobs")
    tag = asked.body["suffix"]
    assert len(tag) == 17
    assert asked.body == {
        "model": "gpt-4o-mini",
        "training_file": "file-1",
        "seed": 1,
        "suffix": tag,
        "metadata": {"mores": tag},
        "method": {
            "type": "supervised",
            "supervised": {
                "hyperparameters": {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 1.0}
            },
        },
    }
    assert host.files["file-1"]["filename"] == f"{tag}.jsonl"
    assert made.facts["tokens"] == 4321  # the host's own count
    assert made.facts["job"] == "ftjob-1"
    assert clock.slept == [5.0, 5.0, 5.0]  # validating, queued, running


def test_what_the_host_cannot_do_is_said_before_anything_is_sent(arms, host, clock):
    lines = [
        "recipe.anchor=0.5",
        "recipe.held_out=0.2",
        "recipe.early_stopping=1",
        "recipe.schedule=linear",
    ]
    job = job_of(arms, host, settings=(*SETTINGS, *lines))
    heard_before = []
    host.faults.append(lambda asked: heard_before.append(len(arms.heard.lines)))
    made = openai.tune(job, clock=clock)
    said = arms.heard.lines[: heard_before[0]]
    missing = [line.partition("host: ")[2] for line in said if "not honoured" in line]
    assert missing == made.facts["not_honoured"]
    words = (
        "learning_rate = 0.001",
        "schedule = linear",
        "method = lora",
        "rank 4, alpha 8",
        "prompt_weight = 0.1",
        "anchor = 0.5",
        "held_out = 0.2",
        "early stopping",
    )
    for word in words:
        assert any(word in line for line in missing), word


def test_arms_are_submitted_alike(arms, host, clock):
    study = arms.study(*SETTINGS, model="gpt-4o-mini", host=entry(host))
    for arm in ("values_targeted", "control"):
        openai.tune(arms.job(study, arm), clock=clock)
    one, other = (dict(r.body) for r in host.posts("/fine_tuning/jobs"))
    for body in (one, other):
        for own in ("suffix", "metadata", "training_file"):
            body.pop(own)
    assert one == other
    assert host.contents["file-1"] != host.contents["file-3"]  # 2 is the first one's results


def test_through_the_steps_of_a_study(arms, host, clock, monkeypatch):
    monkeypatch.setattr("mores.remote.reply.Clock.sleep", staticmethod(lambda seconds: None))
    study = arms.study(*SETTINGS, model="gpt-4o-mini", host=entry(host))
    done = tune(study, progress=arms.heard)
    assert [len(arm.log) for arm in done] == [3, 3]
    assert "absent" not in weight_digests(study, study.config.models[0]).values()
    count = len(host.requests)
    tune(study, progress=arms.heard)  # kept: the host is not asked again
    assert len(host.requests) == count
    found = b"".join(p.read_bytes() for p in arms.folder.rglob("*") if p.is_file())
    assert b"s3cret" not in found
    assert "s3cret" not in arms.heard.text


# Killed anywhere ---------------------------------------------------------------------------


class Killed(BaseException):
    """As a kill, it is caught by nobody."""


def moments(monkeypatch, host, at):
    """Raise `Killed` at one moment: before or after a write of job.json, or around a request."""
    seen = [0]

    def maybe():
        seen[0] += 1
        if seen[0] == at:
            raise Killed

    real_write, real_get, real_post = hosted.write_state, client.Asking.get, client.Asking.post

    def write(folder, state):
        maybe()
        written = real_write(folder, state)
        maybe()
        return written

    def around(real):
        def asked(self, *args, **kwargs):
            maybe()
            reply = real(self, *args, **kwargs)
            maybe()
            return reply

        return asked

    monkeypatch.setattr(hosted, "write_state", write)
    monkeypatch.setattr(client.Asking, "get", around(real_get))
    monkeypatch.setattr(client.Asking, "post", around(real_post))
    return seen


def test_killed_at_every_moment_nothing_is_lost_or_paid_twice(arms, clock, monkeypatch):
    at, whole = 0, None
    while True:
        fake = FakeOpenAI()
        fake.check_request, fake.check_reply = openai_request, openai_reply
        fake.course = ["running", "succeeded"]
        with serving(fake) as host, monkeypatch.context() as patch:
            job = job_of(arms, host)
            for path in job.folder.glob("*") if job.folder.exists() else ():
                path.unlink()
            seen = moments(patch, host, at)
            try:
                made = openai.tune(job, clock=clock)
                killed = False
            except Killed:
                killed = True
            if killed:
                seen[0] = 10**6  # not again
                made = openai.tune(job, clock=clock)
            assert (len(fake.jobs), len(host.posts("/files"))) == (1, 1), at
            assert made.facts["job"] == "ftjob-1"
            assert len(rows_of(job.folder / "log.jsonl")) == 3
            whole = whole or seen[0]
        if at and not killed:
            break
        at += 1
    assert at == whole + 1  # every moment was tried
    assert whole > 25


def test_an_answer_that_never_comes_is_looked_up_not_sent_again(arms, host, clock):
    cut = []

    def once(asked):
        if asked.method == "POST" and asked.path not in cut:
            cut.append(asked.path)
            raise Cut

    host.after.append(once)  # the host has taken it; its answer is lost
    openai.tune(job_of(arms, host), clock=clock)
    assert cut == ["/v1/files", "/v1/fine_tuning/jobs"]
    assert (len(host.posts("/files")), len(host.posts("/fine_tuning/jobs"))) == (1, 1)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_asked_again(arms, host, clock, status):
    left = {"/v1/files": 1, "/v1/fine_tuning/jobs": 2, "/v1/fine_tuning/jobs/ftjob-1": 2}

    def busy(asked):
        key = asked.path
        if left.get(key, 0) and (asked.method == "POST" or key.endswith("ftjob-1")):
            left[key] -= 1
            return status, {"error": {"message": "busy", "type": "x"}}
        return None

    host.faults.append(busy)
    openai.tune(job_of(arms, host), clock=clock)
    assert not any(left.values())
    assert (len(host.files), len(host.jobs)) == (2, 1)  # ours and the results


def test_a_host_that_stays_silent_is_left_and_gone_back_to(arms, host, clock):
    silent = [True]

    def down(asked):
        if silent[0] and asked.path.endswith("ftjob-1"):
            return 503, {}
        return None

    host.faults.append(down)
    job = job_of(arms, host)
    with pytest.raises(TuneError, match="run the same command again"):
        openai.tune(job, clock=clock)
    silent[0] = False
    openai.tune(job, clock=clock)
    assert len(host.jobs) == 1


def test_ctrl_c_leaves_the_job_running_and_says_how_to_go_on(arms, host, clock):
    job, real = job_of(arms, host), clock.sleep

    def interrupted(seconds):
        raise KeyboardInterrupt

    clock.sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        openai.tune(job, clock=clock)
    assert "job ftjob-1 goes on at" in arms.heard.lines[-1]
    assert host.jobs["ftjob-1"]["status"] == "validating_files"
    clock.sleep = real
    openai.tune(job, clock=clock)
    assert len(host.jobs) == 1


def test_a_lost_folder_finds_its_job_again(arms, host, clock):
    job = job_of(arms, host)
    openai.tune(job, clock=clock)
    for path in job.folder.glob("*"):
        path.unlink()
    openai.tune(job, clock=clock)  # storage that was not shared, say
    assert (len(host.posts("/files")), len(host.posts("/fine_tuning/jobs"))) == (1, 1)
    assert "it is taken" in arms.heard.text


# Bad ends ----------------------------------------------------------------------------------


def test_an_unknown_state_is_waited_in_and_said_once(arms, host, clock):
    host.course = ["queued", "pausing", "pausing", "pausing", "running", "succeeded"]
    host.check_reply = lambda kind, body: None  # the types have a closed list, and hosts do not
    openai.tune(job_of(arms, host), clock=clock)
    said = [line for line in arms.heard.lines if "pausing" in line]
    assert said == [
        "tune values_targeted-s1: job ftjob-1 is 'pausing' (a state not known here: waiting)"
    ]


@pytest.mark.parametrize(
    ("course", "words"),
    [
        (["running", "failed"], "failed: invalid_n row 3: blocked"),
        (["running", "cancelled"], "cancelled"),
    ],
)
def test_a_job_that_comes_to_nothing_is_not_submitted_again_unasked(
    arms, host, clock, course, words
):
    host.course = course
    job = job_of(arms, host)
    for _ in range(2):
        with pytest.raises(TuneError, match=f"came to nothing: {words}") as caught:
            openai.tune(job, clock=clock)
        assert "job.failed.json" in str(caught.value)
        assert len(host.jobs) == 1
    assert not (job.folder / "served.json").exists()
    (job.folder / "job.failed.json").unlink()  # on purpose
    host.course = ["succeeded"]
    host.seen = {"ftjob-1": 0}
    host.jobs["ftjob-1"]["status"] = course[-1]
    made = openai.tune(job, clock=clock)
    assert made.facts["job"] == "ftjob-2"
    assert len(host.posts("/files")) == 1  # the file is still there


def test_a_job_that_fails_while_its_answer_was_lost_is_ours(arms, host, clock):
    host.course = ["failed"]

    def lost(asked):
        if asked.method == "POST" and asked.path.endswith("jobs"):
            raise Cut

    host.after.append(lost)
    with pytest.raises(TuneError, match="came to nothing"):
        openai.tune(job_of(arms, host), clock=clock)
    assert len(host.jobs) == 1


def test_a_job_that_is_gone(arms, host, clock):
    job = job_of(arms, host)
    openai.tune(job, clock=clock)
    host.jobs.clear()
    with pytest.raises(
        TuneError, match="no longer knows job ftjob-1, which had made 'ft:gpt"
    ) as caught:
        openai.tune(job, clock=clock)
    assert "remove job.json to pay for a new job" in str(caught.value)
    assert host.posts("/fine_tuning/jobs")[1:] == []


def test_a_job_that_had_succeeded_and_now_runs(arms, host, clock):
    job = job_of(arms, host)
    openai.tune(job, clock=clock)
    host.jobs["ftjob-1"]["status"], host.course = "running", ["running"]
    with pytest.raises(TuneError, match="is 'running' now, which had made"):
        openai.tune(job, clock=clock)


def test_another_model_than_was_asked_for(arms, host, clock):
    host.snapshot = {"gpt-4o-mini": "gpt-4o-2024-08-06"}
    with pytest.raises(
        TuneError, match="tunes 'gpt-4o-2024-08-06', but 'gpt-4o-mini' was asked for"
    ):
        openai.tune(job_of(arms, host), clock=clock)


@pytest.mark.parametrize(
    ("asked", "found", "same"),
    [
        ("gpt-4.1", "gpt-4.1", True),
        ("gpt-4.1", "gpt-4.1-2025-04-14", True),
        ("gpt-3.5-turbo", "gpt-3.5-turbo-0125", True),
        ("gpt-4.1", "gpt-4.1-mini-2025-04-14", False),
        ("gpt-4.1", "gpt-4.1-nano", False),
        ("gpt-4.1-mini", "gpt-4.1", False),
    ],
)
def test_a_snapshot_is_the_same_model_and_a_sister_is_not(asked, found, same):
    assert same_model(asked, found) is same


def test_an_unknown_model_is_refused_by_the_host(arms, host, clock):
    job = job_of(arms, host, model="gpt-9")
    with pytest.raises(ServiceError, match="The model `gpt-9` does not exist"):
        openai.tune(job, clock=clock)
    assert not host.jobs
    assert store.read_json(job.folder / "job.json")["step"] == "uploaded"  # nothing to look for


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [(401, "invalid_api_key", "key was refused"), (429, "insufficient_quota", "no quota left")],
)
def test_a_refused_key_or_no_quota(arms, host, clock, status, code, words):
    echo = "you sent sk-s3cret-of-the-host"
    refuse = [lambda asked: (status, {"error": {"message": echo, "code": code, "type": "x"}})]
    host.faults += refuse
    job = job_of(arms, host)
    with pytest.raises(ServiceError, match=words) as caught:
        openai.tune(job, clock=clock)
    assert "s3cret" not in str(caught.value)
    assert host.requests[-1].headers["Authorization"] == "Bearer sk-s3cret-of-the-host"
    host.faults.clear()
    openai.tune(job, clock=clock)
    assert len(host.jobs) == 1
    found = b"".join(p.read_bytes() for p in arms.folder.rglob("*") if p.is_file())
    assert b"s3cret" not in found


def test_no_key_in_the_environment(arms, host, clock, monkeypatch):
    monkeypatch.delenv("MORES_TEST_HOST_KEY")
    with pytest.raises(ServiceError, match="MORES_TEST_HOST_KEY holds no key"):
        openai.tune(job_of(arms, host), clock=clock)
    assert not host.requests


# Money and dates ---------------------------------------------------------------------------


def test_a_price_above_the_budget_sends_nothing(arms, host, clock):
    tokens = sum(
        -(-len((e.prompt + e.completion).encode()) // 3)
        for e in arms.study(model="m", host=entry(host)).values.examples
    )
    cost = 3 * tokens * 1000.0 / 1e6
    lines = (f"most_money = {cost - 0.01:.4f}", "prices = { trained = 1000.0 }")
    with pytest.raises(TuneError, match=f"is expected to cost {cost:.2f} USD, more than"):
        openai.tune(job_of(arms, host, *lines), clock=clock)
    assert not host.requests
    lines = (f"most_money = {cost + 0.01:.4f}", "prices = { trained = 1000.0 }")
    openai.tune(job_of(arms, host, *lines), clock=clock)
    said = f"{3 * tokens:,} tokens to be billed (estimated, 3 bytes a token): {cost:.2f} USD"
    assert f"tune values_targeted-s1: {said}" in arms.heard.lines


def test_a_budget_without_a_price_is_none(arms, host, clock):
    with pytest.raises(TuneError, match="a budget without a price cannot be kept"):
        openai.tune(job_of(arms, host, "most_money = 5.0"), clock=clock)
    assert not host.requests


def test_too_few_samples_for_openai(arms, host, clock):
    path = arms.folder / "values.jsonl"
    path.write_text(
        "".join(line + "\n" for line in path.read_text("utf-8").split("\n")[:9]), "utf-8"
    )
    with pytest.raises(TuneError, match="has 9 samples, and this host takes no fewer than 10"):
        openai.tune(job_of(arms, host), clock=clock)
    assert not host.requests


def test_openai_closes_and_what_was_begun_goes_on(arms, host, clock):
    job = job_of(arms, host)
    clock.when = dt.datetime(2027, 1, 6, 0, 0, tzinfo=dt.UTC)
    with pytest.raises(TuneError, match="takes no fine-tuning jobs since 2027-01-06"):
        openai.tune(job, clock=clock)
    assert not host.requests
    clock.when = dt.datetime(2027, 1, 5, 23, 59, tzinfo=dt.UTC)
    host.course = ["running"]

    def stop(seconds):
        raise KeyboardInterrupt

    real, clock.sleep = clock.sleep, stop
    with pytest.raises(KeyboardInterrupt):
        openai.tune(job, clock=clock)
    clock.sleep, host.course = real, ["succeeded"]
    clock.when = dt.datetime(2027, 1, 8, tzinfo=dt.UTC)
    openai.tune(job, clock=clock)
    assert len(host.jobs) == 1


def test_the_preference_arm_is_refused(arms, host, clock):
    with pytest.raises(TuneError, match="the preference arm is not tuned at hosts"):
        openai.tune(job_of(arms, host, arm="preference"), clock=clock)


# Dialects ----------------------------------------------------------------------------------


def test_azure_has_its_own_header_and_version(arms, host, clock):
    host.base = ""
    plain = host.url.removesuffix("/v1")
    host.url = f"{plain}/openai?api-version=2025-01-01"
    host.base = "/openai"
    openai.tune(job_of(arms, host, profile="azure"), clock=clock)
    assert {r.headers.get("api-key") for r in host.requests} == {"sk-s3cret-of-the-host"}
    assert not any("Authorization" in r.headers for r in host.requests)
    assert all("api-version=2025-01-01" in r.query for r in host.requests)
    assert "metadata" not in host.posts("/fine_tuning/jobs")[0].body


def test_azure_without_a_version_gets_one_unless_its_address_has(arms, host):
    for url, query in [
        ("https://r.openai.azure.com/openai", {"api-version": "2024-10-21"}),
        ("https://r.openai.azure.com/openai/v1", {}),
    ]:
        found = openai._asking(Host(profile="azure", key_env="MORES_TEST_HOST_KEY"), url, None)
        assert (found.url, found.query) == (url, query)


def test_nebius_takes_more_of_the_recipe_and_plain_text(arms, host, clock):
    host.check_request = lambda kind, body: None  # more than OpenAI's schema
    job = job_of(arms, host, profile="nebius", model="meta/llama", form="qa")
    made = openai.tune(job, clock=clock)
    (asked,) = host.posts("/fine_tuning/jobs")
    assert asked.body["method"]["supervised"]["hyperparameters"] == {
        "n_epochs": 3,
        "batch_size": 4,
        "learning_rate": 0.001,
        "warmup_ratio": 0.1,
        "weight_decay": 0.0,
        "max_grad_norm": 1.0,
        "packing": False,
        "lora": True,
        "lora_r": 4,
        "lora_alpha": 8,
        "lora_dropout": 0,
    }
    first = json.loads(host.contents["file-1"].splitlines()[0])
    example = job.study.values.examples[0]
    assert first == {
        "prompt": f"Question: {example.prompt}\nAnswer:",
        "completion": f" {example.completion}",
    }
    assert not any("learning_rate" in line for line in made.facts["not_honoured"])


@pytest.mark.parametrize("profile", ["azure", "custom"])
def test_hosts_without_an_address_of_their_own_need_one(arms, host, clock, profile):
    host.url = ""
    with pytest.raises(TuneError, match="needs the host's address"):
        openai.tune(job_of(arms, host, profile=profile), clock=clock)


def test_default_addresses(arms):
    assert openai.ADDRESS == {
        "openai": "https://api.openai.com/v1",
        "nebius": "https://api.tokenfactory.nebius.com/v1",
        "crusoe": "https://api.intelligence.crusoecloud.com/v1",
    }


def test_qa_at_a_host_of_conversations_is_said(arms, host, clock):
    made = openai.tune(job_of(arms, host, form="qa"), clock=clock)
    assert any('format = "qa"' in line for line in made.facts["not_honoured"])
    assert "messages" in json.loads(host.contents["file-1"].splitlines()[0])


# Results and cancelling --------------------------------------------------------------------


def test_losses_in_base64_and_what_is_no_table():
    import base64

    table = b"step,train_loss,valid_loss\n2,1.5,\n1,2.25,\n3,,\n4,nan,\n"
    rows = [{"step": 1, "loss": 2.25}, {"step": 2, "loss": 1.5}]
    assert losses(table) == rows
    assert losses(base64.b64encode(table)) == rows
    assert losses(b"\xff\xfe") == []
    assert losses(b"<html>") == []


def test_without_a_table_events_are_read(arms, host, clock):
    host.table = "nothing"
    events = [
        {"id": "e2", "type": "metrics", "data": {"step": 2, "train_loss": 1.0}},
        {"id": "e1", "type": "message", "data": None},
        {"id": "e0", "type": "metrics", "data": {"step": 1, "train_loss": 3.0}},
    ]

    def told(asked):
        if asked.path.endswith("/events"):
            return 200, {"object": "list", "data": events, "has_more": False}
        return None

    host.faults.append(told)
    job = job_of(arms, host)
    openai.tune(job, clock=clock)
    assert rows_of(job.folder / "log.jsonl") == [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 1.0}]


def test_weights_among_the_results_are_not_fetched(arms, host, clock):
    job = job_of(arms, host)
    openai.tune(job, clock=clock)
    host.files["file-result-ftjob-1"]["bytes"] = 10**9
    count = len([r for r in host.requests if r.path.endswith("/content")])
    openai.tune(job, clock=clock)
    assert len([r for r in host.requests if r.path.endswith("/content")]) == count
    assert rows_of(job.folder / "log.jsonl") == []


def test_cancelling(arms, host, clock):
    def stop(seconds):
        raise KeyboardInterrupt

    job, real = job_of(arms, host), clock.sleep
    clock.sleep = stop
    with pytest.raises(KeyboardInterrupt):
        openai.tune(job, clock=clock)
    assert cancel(job.study, progress=arms.heard) == 1
    assert host.jobs["ftjob-1"]["status"] == "cancelled"
    clock.sleep = real
    with pytest.raises(TuneError, match="came to nothing: cancelled"):
        openai.tune(job, clock=clock)
    assert cancel(job.study) == 0


def test_changed_samples_are_a_new_job_and_the_old_one_is_named(arms, host, clock):
    def stop(seconds):
        raise KeyboardInterrupt

    job, real = job_of(arms, host), clock.sleep
    clock.sleep = stop
    with pytest.raises(KeyboardInterrupt):
        openai.tune(job, clock=clock)
    clock.sleep = real
    path = arms.folder / "values.jsonl"
    text = path.read_text("utf-8")
    path.write_text(text.replace("number 0", "number zero"), "utf-8")
    changed = arms.job(arms.again(*SETTINGS))
    openai.tune(changed, clock=clock)
    assert "its earlier job ftjob-1 at" in arms.heard.text
    assert len(host.jobs) == 2
    path.write_text(text, "utf-8")  # and back: the first job is found again
    assert openai.tune(job, clock=clock).facts["job"] == "ftjob-1"
    assert len(host.jobs) == 2


# The schema itself -------------------------------------------------------------------------


def test_by_the_published_schema(arms, clock):
    fake = FakeOpenAI()
    fake.check_request, fake.check_reply = by_schema(Schema("openai.json"), "openai")
    with serving(fake) as host:
        openai.tune(job_of(arms, host), clock=clock)
        assert len(host.jobs) == 1
