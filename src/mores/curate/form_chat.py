"""Conversations → one question and one answer: `messages`, and ShareGPT's `conversations`.

row = from_chat({"messages": [...]}, "messages", path, line, notes)
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mores.errors import DataError
from mores.tables import Notes

Row = dict[str, Any]

CHATS = {"messages": ("role", "content"), "conversations": ("from", "value")}
"""Key of the turns → keys of who speaks and of what is said."""
ROLES = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "developer": "system",
}


def long_ones(rows: list[tuple[int, Row]], key: str) -> int:
    """Count the conversations of more than one question and its answer."""
    return sum(
        isinstance(turns := row.get(key), list)
        and sum(isinstance(t, dict) and _role(t, key) == "user" for t in turns) > 1
        for _, row in rows
    )


def from_chat(row: Row, key: str, path: Path, line: int, notes: Notes, several: int = 0) -> Row:
    """Turn one user turn and one assistant turn into a row; other keys are kept.

    Args:
        row: an object with the turns under ``key``.
        key: ``messages`` or ``conversations``.
        path: the file, for messages.
        line: where the row begins.
        notes: takes what was dropped.
        several: how many conversations of the file have more turns, for the message.

    Raises:
        DataError: other turns than these, no text, or an answer that is not to be trained on.
    """
    turns = row.get(key)
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise DataError(
            f"expected {key}, a list of objects with {' and '.join(CHATS[key])}",
            path=path,
            line=line,
            fix='such as {"messages": [{"role": "user", "content": "..."}, ...]}',
        )
    if turns and _role(turns[0], key) == "system":
        notes.add(f"{_name(turns[0], key)} message dropped", line)
        turns = turns[1:]
    elif row.get("system"):
        notes.add("system message dropped", line)
    if [_role(turn, key) for turn in turns] != ["user", "assistant"]:
        found = ", ".join(_name(turn, key) for turn in turns) or "none"
        count = f" ({several} conversations of this file are longer)" if several > 1 else ""
        raise DataError(
            f"expected exactly one user turn and then one assistant turn, found {found}{count}",
            path=path,
            line=line,
            fix="a sample is one question and one answer: split a longer conversation, or "
            "leave it out",
        )
    for turn in turns:
        _check(turn, key, path, line, notes)
    rest = {name: value for name, value in row.items() if name not in (key, "system")}
    prompt, completion = (_content(turn, key, path, line) for turn in turns)
    return {**rest, "prompt": prompt, "completion": completion}


def _name(turn: Row, key: str) -> str:
    return str(turn.get(CHATS[key][0], turn.get("role")))


def _role(turn: Row, key: str) -> str:
    name = _name(turn, key)
    return ROLES.get(name, name)


def _check(turn: Row, key: str, path: Path, line: int, notes: Notes) -> None:
    if turn.get("weight") == 0:
        raise DataError(
            "the answer has weight 0, which means that it is not to be trained on",
            path=path,
            line=line,
            fix="leave this conversation out",
        )
    for name, value in turn.items():
        if name not in (*CHATS[key], "role", "content", "weight") and value is not None:
            notes.add(f"{name!r} of the {_name(turn, key)} message dropped", line)


def _content(turn: Row, key: str, path: Path, line: int) -> str:
    content = turn.get(CHATS[key][1], turn.get("content"))
    if isinstance(content, list) and all(
        isinstance(p, dict) and p.get("type") == "text" and isinstance(p.get("text"), str)
        for p in content
    ):
        return "".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise DataError(
            f"expected text as {CHATS[key][1]} of the {_name(turn, key)} turn, found "
            f"{json.dumps(content)[:60]}",
            path=path,
            line=line,
            fix="only text can be imported: no images, no tool calls",
        )
    return content
