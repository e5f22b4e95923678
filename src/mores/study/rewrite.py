"""Files that people write, changed where records changed and nowhere else.

rewrite_lines(text, records)       JSON Lines: lines of records that did not change stay
rewrite_charter(text, charter)     charter.toml: comments and layout stay
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import convert
from msgspec.structs import fields

from mores.errors import StoreError
from mores.json_text import parse
from mores.records import Charter, Position, Record

if TYPE_CHECKING:
    from tomlkit.items import Item

WIDTH = 96
"""Columns at which long texts in TOML are wrapped."""
_TABLE = "[[positions]]"
_STYLES: list[dict[str, Any]] = [
    {"separators": separators, "ensure_ascii": ascii_}
    for separators in ((", ", ": "), (",", ":"))
    for ascii_ in (False, True)
]


def as_json(record: Record) -> dict[str, Any]:
    """Return a record as JSON has it: lists where the record has tuples."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
    return plain


def as_row(record: Record) -> dict[str, Any]:
    """Return a record as a line of its file would say it: fields at their default left out."""
    return _without_defaults(record, as_json(record))


# JSON Lines --------------------------------------------------------------------------------


def rewrite_lines(text: str, records: Sequence[Record]) -> str:
    """Return a JSON Lines file that holds these records, in this order.

    A record that the file already says is left as its line says it. Others are written in the style
    of the file (blanks, escapes), their fields in the order of the line that they replace, fields
    at their default left out.

    Args:
        text: of the file as it is, which can be read.
        records: with different ids.
    """
    end = "\r\n" if "\r\n" in text else "\n"
    rows = ((line.rstrip("\r"), _row(line)) for line in text.split("\n"))
    lines = {row["id"]: (line, row) for line, row in rows if row}
    style = next((s for line, row in lines.values() for s in _STYLES if _dumps(row, s) == line), {})
    kept = []
    for record in records:
        plain = as_json(record)
        line, row = lines.get(plain["id"], ("", {}))
        if not row or convert(row, type(record)) != record:
            line = _dumps(_filled(record, plain, row), style or _STYLES[0])
        kept.append(line)
    if kept == [line for line, _ in lines.values()]:
        return text  # with its blank lines
    return "".join(line + end for line in kept)


def _row(line: str) -> dict[str, Any] | None:
    row: dict[str, Any] | None = parse(line) if line.strip() else None
    return row


def _dumps(row: dict[str, Any], style: dict[str, Any]) -> str:
    return json.dumps(row, **style)


def _filled(record: Record, plain: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The record's fields, those of the old line first; without what is empty or at its default."""
    bare = _without_defaults(record, plain)
    kept = {k: plain[k] for k in row if k in bare or plain[k] == row[k]}
    return kept | {k: v for k, v in bare.items() if k not in kept}


def _without_defaults(record: Record, plain: dict[str, Any]) -> dict[str, Any]:
    required = {f.name for f in fields(type(record)) if f.required}
    defaults = as_json(convert({name: plain[name] for name in required}, type(record)))
    return {k: v for k, v in plain.items() if k in required or v != defaults[k]}


# charter.toml ------------------------------------------------------------------------------

_PartOf = tuple[str | None, str | None, str]
"""A category (None: the head), its text as it was (None: it is new), its text as it should be."""


def rewrite_charter(text: str, charter: Charter, *, path: Path | None = None) -> str:
    """Return a charter.toml that holds this charter.

    Positions that did not change stay as they are written; of others, the fields that changed are
    written anew, and comments stay. Comment lines right above ``[[positions]]`` belong to that
    position, and go where it goes.

    Args:
        text: of the file as it is, which can be read.
        charter: as it should be.
        path: of the file, for messages.

    Raises:
        StoreError: its positions are not written as ``[[positions]]``, one table each.
    """
    if convert(tomllib.loads(text), Charter) == charter:
        return text
    head, blocks = _blocks(text, path)
    parts: list[_PartOf] = [(None, head, _header(head, charter))]
    for position in charter.positions:
        old = blocks.get(position.category)
        new = _block(old, position) if old else _new_block(position)
        parts.append((position.category, old, new))
    result = _joined(parts, list(blocks))
    if convert(tomllib.loads(result), Charter) != charter:
        raise _by_hand(path)
    return result


def _joined(parts: Sequence[_PartOf], order: Sequence[str]) -> str:
    """Put the pieces together: as far apart as they were where they stood together, else a line."""
    after = dict(zip([None, *order], [*order, None], strict=True))
    text = ""
    for number, (name, old, new) in enumerate(parts):
        following = parts[number + 1][0] if number + 1 < len(parts) else None
        body = new.rstrip("\r\n")
        if old is not None and after[name] == following:
            gap = old[len(old.rstrip("\r\n")) :] or "\n"
        else:
            gap = "\n" if following is None else "\n\n"
        text += body + gap if body else ""
    return text


def _fields(position: Position) -> dict[str, Any]:
    """A position as TOML has it: without fields that are empty."""
    plain = {k: v for k, v in as_json(position).items() if v not in ("", (), [], None)}
    if "basis" in plain:
        plain["basis"] = [_filled_only(b) for b in plain["basis"]]
    if "accountable" in plain:
        plain["accountable"] = _filled_only(plain["accountable"])
    return plain


def _filled_only(value: Any) -> Any:
    return {k: v for k, v in value.items() if v} if isinstance(value, dict) else value


def _blocks(text: str, path: Path | None) -> tuple[str, dict[str, str]]:
    """The file's head, and the text of each position by its category."""
    parts = re.split(rf"(?m)^(?=(?:#[^\n]*\n)*{re.escape(_TABLE)}[ \t\r]*(?:#|$))", text)
    # A comment's lines each begin a piece of their own: put those without a table to the next.
    pieces, held = [parts[0]], ""
    for part in parts[1:]:
        held += part
        if _TABLE in part.splitlines()[0]:
            pieces.append(held)
            held = ""
    blocks: dict[str, str] = {}
    try:
        for piece in pieces[1:]:
            (position,) = tomllib.loads(piece)["positions"]
            blocks[position["category"]] = piece
        whole = tomllib.loads(text)["positions"]
    except (tomllib.TOMLDecodeError, KeyError, ValueError):
        raise _by_hand(path) from None
    if [tomllib.loads(b)["positions"][0] for b in blocks.values()] != whole:
        raise _by_hand(path)
    return pieces[0], blocks


def _by_hand(path: Path | None) -> StoreError:
    return StoreError(
        "its positions cannot be changed without rewriting the whole file; nothing was written",
        path=path,
        fix=f"write each position as a table of its own, {_TABLE}, at the end of the file",
    )


def _header(head: str, charter: Charter) -> str:
    import tomlkit

    document = tomlkit.parse(head)
    if document["version"] != charter.version:
        document["version"] = charter.version
    if document.get("language", "en") != charter.language:
        document["language"] = charter.language
    return document.as_string()


def _block(block: str, position: Position) -> str:
    import tomlkit

    before = as_json(convert(tomllib.loads(block)["positions"][0], Position))
    after, fields = as_json(position), _fields(position)
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return block
    document = tomlkit.parse(block.rstrip("\n") + "\n")
    table: Any = document["positions"][0]
    for name in changed:
        if name in fields:
            table[name] = _item(fields[name])
        else:
            del table[name]
    return document.as_string()


def _new_block(position: Position) -> str:
    rows = [f"{name} = {_toml(value)}" for name, value in _fields(position).items()]
    return "\n".join([_TABLE, *rows])


def _item(value: Any) -> Item:
    import tomlkit

    item: Item = tomlkit.parse(f"x = {_toml(value)}\n")["x"]
    return item


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {_quoted(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[\n" + "".join(f"  {_toml_entry(entry)},\n" for entry in value) + "]"
    return _long(value) if len(value) > WIDTH - 20 or "\n" in value else _quoted(value)


def _toml_entry(value: Any) -> str:
    return _toml(value) if isinstance(value, dict) else _quoted(value)


def _quoted(text: str) -> str:
    import tomlkit

    return tomlkit.string(text).as_string()


def _long(text: str) -> str:
    """A text on several lines, wrapped at single blanks; on one where that would change it."""
    lines = []
    for line in text.replace("\\", "\\\\").replace('"', '\\"').split("\n"):
        row = ""
        for word in line.split(" "):
            if row and len(row) + 1 + len(word) > WIDTH:
                lines.append(row + " \\\n")
                row = word
            else:
                row = f"{row} {word}" if row else word
        lines.append(row + "\n")
    wrapped = '"""\n' + "".join(lines).removesuffix("\n") + '"""'
    try:
        if tomllib.loads(f"x = {wrapped}")["x"] == text:
            return wrapped
    except tomllib.TOMLDecodeError:
        pass  # a control character, say
    return _quoted(text)
