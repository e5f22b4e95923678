"""Fixtures: a service on this machine, a clock that jumps, and a study that it judges."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from app import make_study

from fake_service import answer, clock, service
from mores.study import Study, load_study

__all__ = ["answer", "clock", "service"]

KEY = "s3cret-of-the-judge"


@pytest.fixture
def said(answer):
    """A chat completion that says a text."""

    def make(text, model="judge-7b", tokens=(100, 2), finish="stop", **message):
        body = {
            "model": model,
            "choices": [
                {
                    "message": {"role": "assistant", "content": text, **message},
                    "finish_reason": finish,
                }
            ],
        }
        if tokens:
            body["usage"] = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}
        return answer(body)

    return make


@pytest.fixture
def judged(tmp_path: Path, service, clock, monkeypatch) -> Callable[..., Study]:
    """Make a study of three arms whose judge is the fake service, one request at a time."""
    monkeypatch.setattr("mores.sample.endpoint.asker.Clock", lambda: clock)
    monkeypatch.setenv("JUDGE_KEY", KEY)

    def make(endpoint: str = "", *, name: str = "judge-7b", **study) -> Study:
        folder = tmp_path / "study"
        if not folder.exists():
            make_study(folder, **{"prompts": 4, **study})
        base = (folder / "study.toml").read_text("utf-8").partition("[[judges]]")[0]
        (folder / "study.toml").write_text(
            f'{base}[[judges]]\nname = "{name}"\nfamily = "Llama"\n[judges.endpoint]\n'
            f'url = "{service.url}"\nkey_env = "JUDGE_KEY"\nconcurrency = 1\n{endpoint}\n',
            encoding="utf-8",
        )
        return load_study(folder)

    return make
