"""What a chat template does, found by asking it: roles, where an answer begins, what ends a turn.

    form = chat_form(tokenizer)
    form.system   # False: statements go before the question instead
    form.ending   # ids that follow an answer, as they are trained

Templates do not say these things, and each has been wrong in some tool: no system role, a turn that
ends in another token than the end of text, a prompt that does not open the answer, thinking that is
on unless it is turned off.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from mores.errors import ModelError

Message = dict[str, str]
QUIET = {"enable_thinking": False, "thinking": False}
"""What templates call the switch that turns thinking off; those without one ignore it."""
DAY = date(2026, 1, 1)
"""The day that templates write which write today's: a prompt must be the same tomorrow."""

_ASKED, _ANSWERED, _SYSTEM = "Who is there?", "Nobody, as far as we know.", "Be kind to them."
_THINKS = re.compile(r"<think>|<thought>|\[THINK\]|<seed:think>|<\|channel\|>")
_TODAY = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
_THOUGHT = re.compile(r"</think>|</thought>|\[/THINK\]|</seed:think>")


@dataclass(frozen=True)
class ChatForm:
    """What a tokenizer's chat template does."""

    system: bool
    """Whether the template shows system messages at all."""
    whole: bool
    """Prompts are the beginning of a whole conversation, as the template itself opens no answer
    (or opens one that begins with thinking)."""
    opening: str
    """Text between the template's open prompt and an answer, such as an empty thought."""
    lead: str
    """Blanks that the template puts before every answer."""
    anchor: str
    """What stands before an answer's words: some tokenizers write the first word of a text in
    another way than one that follows on something."""
    ending: tuple[int, ...]
    """Ids that end an answer; the last one stops sampling."""
    dated: bool
    """Whether the template writes the day's date (here it is always `DAY`)."""
    thinks: bool
    """Whether the template can let the model think before it answers (here it is turned off)."""

    @property
    def end(self) -> int:
        """Id at which an answer ends."""
        return self.ending[-1]


@lru_cache(maxsize=8)
def chat_form(tokenizer: Any) -> ChatForm:
    """Ask a tokenizer's chat template what it does.

    Raises:
        ModelError: it cannot write a question and an answer.
    """
    conversation = [_message("user", _ASKED), _message("assistant", _ANSWERED)]
    whole = render(tokenizer, conversation, opened=False)
    before, found, after = whole.rpartition(_ANSWERED)
    if not found or _ASKED not in before:
        raise ModelError(
            "the model's chat template does not show a question and its answer",
            fix='set format = "qa" for it in study.toml',
        )
    if not after.strip():  # what ends a turn may only be written when another follows
        longer = render(tokenizer, [*conversation, _message("user", _ASKED)], opened=False)
        after = longer.rpartition(_ANSWERED)[2].partition(_ASKED)[0]
    opened = render(tokenizer, conversation[:1], opened=True)
    between = before[len(opened) :] if before.startswith(opened) else ""
    closed = len(_THINKS.findall(opened)) <= len(_THOUGHT.findall(opened))
    fits = before.startswith(opened) or (opened.startswith(before) and closed)
    return ChatForm(
        system=_shows_system(tokenizer),
        whole=not fits,
        opening=between if between.strip() else "",
        lead="" if between.strip() else between,
        anchor=before if not fits else opened + (between if between.strip() else ""),
        ending=_ending(tokenizer, after),
        dated="strftime_now" in str(tokenizer.chat_template),
        thinks=bool(_THINKS.search(str(tokenizer.chat_template))),
    )


def render(tokenizer: Any, messages: Sequence[Message], *, opened: bool) -> str:
    """Return the template's text; ``opened`` ends it where an answer begins.

    Raises:
        ModelError: the template refuses these messages.
    """
    from jinja2 import TemplateError

    try:
        text: str = tokenizer.apply_chat_template(
            list(messages),
            chat_template=fixed_template(tokenizer),
            add_generation_prompt=opened,
            tokenize=False,
            **QUIET,
        )
    except (TemplateError, TypeError, ValueError) as error:
        raise ModelError(
            f"the model's chat template cannot be used: {error}",
            fix='set format = "qa" for it in study.toml',
        ) from None
    return text


def fixed_template(tokenizer: Any) -> str:
    """Return the template with a day in place of today's."""
    template: str = tokenizer.get_chat_template()
    return _TODAY.sub(lambda found: repr(DAY.strftime(found[2])), template)


def prompt_text(tokenizer: Any, messages: Sequence[Message]) -> str:
    """Return the text of messages up to where the answer's own words begin."""
    form = chat_form(tokenizer)
    if not form.whole:
        return render(tokenizer, messages, opened=True) + form.opening
    text = render(tokenizer, [*messages, _message("assistant", _ANSWERED)], opened=False)
    return text.rpartition(_ANSWERED)[0]


def conversation(
    tokenizer: Any, question: str, system: str, shots: Sequence[tuple[str, str]]
) -> list[Message]:
    """Return the messages of a question; without a system role its text begins the first one."""
    messages = [
        _message(role, text)
        for shot in shots
        for role, text in zip(("user", "assistant"), shot, strict=True)
    ]
    messages.append(_message("user", question))
    if not system:
        return messages
    if chat_form(tokenizer).system:
        return [_message("system", system), *messages]
    first = messages[0]["content"]
    return [_message("user", f"{system}\n\n{first}"), *messages[1:]]


def notes(tokenizer: Any) -> list[str]:
    """Say what is particular about a template, a line each."""
    form = chat_form(tokenizer)
    end = tokenizer.convert_ids_to_tokens(form.end)
    lines = (
        (
            not form.system,
            "the chat template has no system role: a position goes before a question",
        ),
        (
            form.end != tokenizer.eos_token_id,
            f"an answer ends in {end}, which is trained, not in {tokenizer.eos_token}",
        ),
        (form.whole, "the template opens no answer: prompts are cut from a whole conversation"),
        (form.dated, f"the chat template writes the date: it is {DAY:%d %B %Y} in every prompt"),
        (form.thinks, "the model can think first: this is off, in training and in sampling"),
    )
    return [line for so, line in lines if so]


def _message(role: str, text: str) -> Message:
    return {"role": role, "content": text}


def _shows_system(tokenizer: Any) -> bool:
    messages = [_message("system", _SYSTEM), _message("user", _ASKED)]
    try:
        return _SYSTEM in render(tokenizer, messages, opened=True)
    except ModelError:
        return False


def _ending(tokenizer: Any, after: str) -> tuple[int, ...]:
    """Ids after an answer up to the first special one; the end of text where there is none."""
    # Some fine-tunes add their marks as plain tokens; runs of blanks are added tokens, too.
    special = set(tokenizer.all_special_ids) | {
        i for i, token in tokenizer.added_tokens_decoder.items() if token.content.strip()
    }
    ids: list[int] = tokenizer(after, add_special_tokens=False)["input_ids"]
    for place, token in enumerate(ids):
        if token in special:
            return tuple(ids[: place + 1])
    return (int(tokenizer.eos_token_id),)
