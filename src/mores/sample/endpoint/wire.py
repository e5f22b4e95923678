"""One request in the OpenAI form, and what its answer says: chat and completions.

Field names are those of `/v1/chat/completions` and `/v1/completions` (OpenAI API reference, 2026);
vLLM, SGLang, llama.cpp, Ollama and `transformers serve` read and write the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mores.records import Decoding
from mores.sample.requests import Request

Api = Literal["chat", "completions"]
PATHS: dict[Api, str] = {"chat": "chat/completions", "completions": "completions"}
ENDED = {"stop": "stop", "eos": "stop", "end_turn": "stop", "length": "length"}
"""What services call the end of an answer, and what we do."""


@dataclass(frozen=True)
class Said:
    """What an answer says."""

    text: str = ""
    ended: str = ""
    """As the service calls it."""
    model: str = ""
    id: str = ""
    fingerprint: str = ""
    read: int | None = None
    drawn: int | None = None
    fault: str = ""
    """Why this is no answer."""


def payload(
    request: Request,
    served: str,
    api: Api,
    decoding: Decoding,
    *,
    seed: int,
    room: int,
    extra: Mapping[str, Any],
    own_names: bool,
) -> dict[str, Any]:
    """Return what is sent.

    Args:
        request: what is asked.
        served: the model's name at the service.
        api: the form.
        decoding: how text is drawn.
        seed: of this request.
        room: tokens that may be drawn.
        extra: sent as it is.
        own_names: whether the service calls the longest answer ``max_completion_tokens``.
    """
    asked: dict[str, Any] = {"model": served}
    if api == "chat":
        asked["messages"] = [{"role": r, "content": text} for r, text in request.messages]
    else:
        asked["prompt"] = list(request.ids) or request.text
    asked["max_completion_tokens" if own_names and api == "chat" else "max_tokens"] = room
    asked |= {"temperature": decoding.temperature, "top_p": decoding.top_p, "n": 1, "seed": seed}
    if decoding.top_k:
        asked["top_k"] = decoding.top_k
    if request.stop:
        asked["stop"] = [request.stop]
    return {**asked, **extra}


def most_drawn(payload: Mapping[str, Any], otherwise: int) -> int:
    """Return the most tokens that a request can draw, whatever ``extra`` has made of it."""
    named = [payload.get(key) for key in ("max_tokens", "max_completion_tokens")]
    most = max((n for n in named if isinstance(n, int)), default=otherwise)
    answers = payload.get("n", 1)
    return most * (answers if isinstance(answers, int) else 1)


def read(body: Any, api: Api) -> Said:
    """Read an answer; one that cannot be read has a fault."""
    if not isinstance(body, dict):
        return Said(fault="the answer is no JSON object")
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        count = len(choices) if isinstance(choices, list) else "no"
        return Said(fault=f"the answer has {count} choices where one was asked for")
    tokens_read, tokens_drawn = usage(body)
    said = Said(
        text=_text(choices[0], api) or "",
        ended=str(choices[0].get("finish_reason") or ""),
        model=str(body.get("model") or ""),
        id=str(body.get("id") or ""),
        fingerprint=str(body.get("system_fingerprint") or ""),
        read=tokens_read,
        drawn=tokens_drawn,
    )
    if said.ended == "content_filter":
        return said
    if said.ended not in ENDED:
        return _with(said, f"the answer ended in an unknown way ({said.ended or 'not said'})")
    if _text(choices[0], api) is None:
        return _with(said, "the answer has no text")
    return said


def usage(body: Any) -> tuple[int | None, int | None]:
    """Return tokens read and drawn as the service counts them; None where it does not."""
    counted = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(counted, dict):
        return None, None
    return _count(counted.get("prompt_tokens")), _count(counted.get("completion_tokens"))


def _with(said: Said, fault: str) -> Said:
    return Said(said.text, said.ended, said.model, said.id, "", said.read, said.drawn, fault)


def _text(choice: Mapping[str, Any], api: Api) -> str | None:
    """The answer's text; None where there is none, as when a model has only thought."""
    holder = choice.get("message") if api == "chat" else choice
    key = "content" if api == "chat" else "text"
    text = holder.get(key) if isinstance(holder, dict) else None
    return text if isinstance(text, str) else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def answer_logprobs(body: Any, prompt: int, answer: int) -> list[float] | None:
    """Log-probabilities of an answer's tokens from an echoed prompt; None where there are none.

    Args:
        body: answer to a request with ``echo`` and ``logprobs``.
        prompt: tokens before the answer.
        answer: tokens of the answer.
    """
    try:
        given: Sequence[Any] = body["choices"][0]["logprobs"]["token_logprobs"]
    except (KeyError, IndexError, TypeError):
        return None
    own = given[prompt : prompt + answer]
    if len(own) != answer or not all(isinstance(v, int | float) for v in own):
        return None
    return [float(v) for v in own]
