"""Arms tuned by Together, against a host on this machine that keeps to its schema."""

from __future__ import annotations

import datetime as dt
import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from fake_host import Cut, FakeTogether, serving
from host_contracts import Schema, by_schema, together_request
from safetensors.numpy import load, save

from fake_service import FakeClock
from mores import store
from mores.errors import ModelError, ServiceError, TuneError
from mores.tune.elsewhere import client, hosted, together
from mores.tune.elsewhere.archive import unpack_adapter
from mores.tune.elsewhere.cancel import cancel
from mores.tune.elsewhere.together_api import outside

SETTINGS = ("recipe.epochs=3", "recipe.batch_size=4", "recipe.prompt_weight=0.1", "recipe.anchor=0")
CONFIG = json.dumps({"peft_type": "LORA", "r": 4, "target_modules": ["q_proj"]}).encode()
WEIGHTS = save({"layer.lora_A.weight": np.arange(6, dtype=np.float32).reshape(2, 3)})


@pytest.fixture
def host():
    fake = FakeTogether()
    fake.check_request = together_request
    with serving(fake) as served:
        yield served


@pytest.fixture
def clock():
    return FakeClock(dt.datetime(2027, 2, 1, 12, 0, tzinfo=dt.UTC))


def job_of(arms, host, *lines, settings=SETTINGS, form="chat", model="meta/llama"):
    entry = (
        'tuner = "together"\n[models.endpoint]\nurl = "http://127.0.0.1:9/v1"\n'
        f'[models.host]\nurl = "{host.url}"\nkey_env = "MORES_TEST_HOST_KEY"\npoll_seconds = 5\n'
        + "\n".join(lines)
        + "\n"
    )
    return arms.job(arms.study(*settings, model=model, host=entry, form=form))


def rows_of(path):
    return [row for _, row in store.read_rows(path)]


def test_one_arm_from_samples_to_a_name(arms, host, clock):
    job = job_of(arms, host)
    made = together.tune(job, clock=clock)
    (asked,) = host.posts("/fine-tunes")
    tag = asked.body["suffix"]
    longest = max(len((e.prompt + e.completion).encode()) for e in job.study.values.examples)
    room = 512
    assert 256 < longest + 128 <= room  # bytes, for the tokenizer is not here
    assert asked.body == {
        "model": "meta/llama",
        "training_file": "file-1",
        "suffix": tag,
        "n_epochs": 3,
        "n_checkpoints": 1,
        "n_evals": 0,
        "batch_size": 4,
        "learning_rate": 0.001,
        "lr_scheduler": {
            "lr_scheduler_type": "cosine",
            "lr_scheduler_args": {"min_lr_ratio": 0.0, "num_cycles": 0.5},
        },
        "warmup_ratio": 0.1,
        "max_grad_norm": 1.0,
        "weight_decay": 0.0,
        "packing": False,
        "max_seq_length": room,
        "random_seed": 1,
        "training_method": {"method": "sft", "train_on_inputs": False},
        "training_type": {
            "type": "Lora",
            "lora_r": 4,
            "lora_alpha": 8,
            "lora_dropout": 0.0,
            "lora_trainable_modules": "all-linear",
        },
    }
    name = f"acct/llama-{tag}"
    (job_id,) = host.jobs
    assert store.read_json(job.folder / "served.json") == {"model": name, "job": job_id}
    assert rows_of(job.folder / "log.jsonl") == [{"step": 1, "loss": 2.5}, {"step": 2, "loss": 2.0}]
    assert made.facts["tokens"] == 4321
    assert made.facts["not_honoured"] == [
        "recipe.prompt_weight = 0.1: there are no loss weights for tokens"
    ]
    # Unpacked rows are billed at their room: 8 samples, 3 epochs.
    assert any(f"{8 * 512 * 3:,} tokens to be billed" in line for line in arms.heard.lines)
    assert len(host.contents["file-1"].splitlines()) == 8


@pytest.mark.parametrize(
    ("settings", "field", "value"),
    [
        ("recipe.schedule=constant", "lr_scheduler",
         {"lr_scheduler_type": "linear", "lr_scheduler_args": {"min_lr_ratio": 1.0}}),
        ("recipe.schedule=linear", "lr_scheduler",
         {"lr_scheduler_type": "linear", "lr_scheduler_args": {"min_lr_ratio": 0.0}}),
        ("recipe.prompt_weight=1.0", "training_method", {"method": "sft", "train_on_inputs": True}),
        ("recipe.method=full", "training_type", {"type": "Full"}),
    ],
)  # fmt: skip
def test_the_recipe_in_the_hosts_words(arms, host, clock, settings, field, value):
    host.limits["full_training"] = {
        "max_batch_size": 8,
        "max_batch_size_dpo": 8,
        "min_batch_size": 1,
    }
    together.tune(job_of(arms, host, settings=(*SETTINGS, settings)), clock=clock)
    assert host.posts("/fine-tunes")[0].body[field] == value


def test_plain_text_goes_as_text(arms, host, clock):
    job = job_of(arms, host, form="qa")
    together.tune(job, clock=clock)
    rows = [json.loads(line) for line in host.contents["file-1"].splitlines()]
    assert rows[3] == {
        "prompt": f"Question: {job.study.values.examples[3].prompt}\nAnswer:",
        "completion": f" {job.study.values.examples[3].completion}",
    }


# Limits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("recipe.epochs=21", "recipe.epochs = 21, and 20 is the most"),
        ("recipe.learning_rate=0.2", "recipe.learning_rate = 0.2, and 0.1 is the most"),
        ("recipe.batch_size=1", "recipe.batch_size = 1, and 2 is the least"),
        ("recipe.lora_rank=128", "recipe.lora_rank = 128, and 64 is the most"),
        ("recipe.method=full", "no full training"),
    ],
)
def test_what_the_model_does_not_allow_is_refused_before_anything_is_sent(
    arms, host, clock, settings, words
):
    with pytest.raises(TuneError, match=words):
        together.tune(job_of(arms, host, settings=(*SETTINGS, settings)), clock=clock)
    assert not host.files


def test_an_unknown_model(arms, host, clock):
    with pytest.raises(
        TuneError, match="'other' is not tuned at this host: model is not available"
    ):
        together.tune(job_of(arms, host, model="other"), clock=clock)
    assert not host.files


def test_limits_that_say_nothing_limit_nothing():
    asked = {
        "n_epochs": 2, "learning_rate": 0.1, "batch_size": 8, "max_seq_length": 512,
        "training_type": {"type": "Lora", "lora_r": 8},
    }  # fmt: skip
    assert outside(asked, {"lora_training": {}}) == []
    assert outside(asked, {"lora_training": {"max_rank": 4}, "max_seq_length_sft": 256}) == [
        "recipe.lora_rank = 8, and 4 is the most",
        "the room for a sample, in tokens = 512, and 256 is the most",
    ]


# Killed, silent, failed --------------------------------------------------------------------


class Killed(BaseException):
    """As a kill, it is caught by nobody."""


def test_killed_at_every_write_and_request(arms, clock, monkeypatch):
    at, killed = 1, True
    while killed:
        fake = FakeTogether()
        fake.course = ["pending", "completed"]
        with serving(fake) as host, monkeypatch.context() as patch:
            job = job_of(arms, host)
            seen = [0]

            def maybe(at=at, seen=seen):
                seen[0] += 1
                if seen[0] == at:
                    raise Killed

            def around(real, maybe=maybe):
                def called(*args, **kwargs):
                    maybe()
                    done = real(*args, **kwargs)
                    maybe()
                    return done

                return called

            patch.setattr(hosted, "write_state", around(hosted.write_state))
            patch.setattr(client.Asking, "get", around(client.Asking.get))
            patch.setattr(client.Asking, "post", around(client.Asking.post))
            killed = False
            try:
                together.tune(job, clock=clock)
            except Killed:
                killed = True
                together.tune(job, clock=clock)
            assert (len(fake.jobs), len(fake.files)) == (1, 1), at
            assert store.read_json(job.folder / "job.json")["step"] == "succeeded"
        at += 1
    assert at > 25


def test_an_answer_that_never_comes_is_looked_up(arms, host, clock):
    cut = []

    def once(asked):
        if asked.method == "POST" and asked.path not in cut:
            cut.append(asked.path)
            raise Cut

    host.after.append(once)
    together.tune(job_of(arms, host), clock=clock)
    assert cut == ["/v1/files/upload", "/v1/fine-tunes"]
    assert (len(host.files), len(host.jobs)) == (1, 1)


def test_a_failed_job_has_the_hosts_words(arms, host, clock):
    host.course = ["running", "error"]
    job = job_of(arms, host)
    for _ in range(2):
        with pytest.raises(TuneError, match="came to nothing: error: row 3: blocked"):
            together.tune(job, clock=clock)
    assert len(host.jobs) == 1


def test_refused_and_gone_on(arms, host, clock):
    def refuse(asked):
        return (401, {"error": {"message": "bad sk-s3cret-of-the-host", "type": "x"}})

    host.faults.append(refuse)
    job = job_of(arms, host)
    with pytest.raises(ServiceError, match="key was refused") as caught:
        together.tune(job, clock=clock)
    assert "s3cret" not in str(caught.value)
    host.faults.clear()
    together.tune(job, clock=clock)
    found = b"".join(p.read_bytes() for p in arms.folder.rglob("*") if p.is_file())
    assert b"s3cret" not in found


def test_cancelling(arms, host, clock):
    def stop(seconds):
        raise KeyboardInterrupt

    job, real = job_of(arms, host), clock.sleep
    clock.sleep = stop
    with pytest.raises(KeyboardInterrupt):
        together.tune(job, clock=clock)
    assert cancel(job.study, progress=arms.heard) == 1
    clock.sleep = real
    with pytest.raises(TuneError, match="came to nothing: cancelled"):
        together.tune(job, clock=clock)


# The adapter -------------------------------------------------------------------------------


def tar(files: dict[str, bytes], mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def pair(weights: bytes, config: bytes) -> bytes:
    return tar({"adapter_model.safetensors": weights, "adapter_config.json": config})


ADAPTER = {
    "./out/adapter_model.safetensors": WEIGHTS,
    "./out/adapter_config.json": CONFIG,
    "../../escape.txt": b"no",
}


def packed(form: str) -> bytes:
    if form == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, data in ADAPTER.items():
                archive.writestr(name, data)
        return out.getvalue()
    if form == "zst":
        zstandard = pytest.importorskip("zstandard")
        return zstandard.ZstdCompressor().compress(tar(ADAPTER))
    return tar(ADAPTER, {"tar": "w", "gz": "w:gz", "xz": "w:xz"}[form])


@pytest.mark.parametrize("form", ["tar", "gz", "xz", "zip", "zst"])
def test_the_two_files_of_an_adapter_out_of_any_archive(tmp_path, form):
    folder = tmp_path / "a" / "b"
    names = unpack_adapter(packed(form), folder)
    assert names == ["adapter_model.safetensors", "adapter_config.json"]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == sorted(names)
    assert load((folder / names[0]).read_bytes())["layer.lora_A.weight"][1, 2] == 5.0


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"nothing of the kind", TuneError, "is no archive"),
        (tar({"model.safetensors": WEIGHTS}), TuneError, "in PEFT's form: no adapter_model"),
        (tar({"adapter_model.safetensors": WEIGHTS}), TuneError, "no adapter_config.json"),
        (pair(b"x", CONFIG), ModelError, "cannot be read"),
        (pair(WEIGHTS, b"[]"), ModelError, "type None"),
        (pair(WEIGHTS, b"{"), ModelError, "cannot be read"),
    ],
)
def test_what_is_no_adapter_leaves_nothing(tmp_path, data, error, words):
    with pytest.raises(error, match=words):
        unpack_adapter(data, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fetched_adapters_are_used_here(arms, host, clock, tiny_folder):
    host.archive = tar(ADAPTER)
    job = job_of(arms, host, 'model = "meta/llama"', "fetch = true", model=tiny_folder.name)
    made = together.tune(job, clock=clock)
    assert made.files == ["adapter_model.safetensors", "adapter_config.json", "log.jsonl"]
    assert not (job.folder / "served.json").exists()
    assert any("(counted)" in line for line in arms.heard.lines)  # the tokenizer is here
    (asked,) = [r for r in host.requests if r.path.endswith("/finetune/download")]
    assert "checkpoint=adapter" in asked.query


# The schema itself -------------------------------------------------------------------------


def test_by_the_published_schema(arms, clock):
    schema = Schema("together.json")
    fake = FakeTogether()
    fake.check_request, fake.check_reply = by_schema(schema, "together")
    with serving(fake) as host:
        together.tune(job_of(arms, host), clock=clock)
        assert len(host.jobs) == 1
