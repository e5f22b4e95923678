"""Small real media with marks in them that would tell an arm, and a study whose answers they are.

study = painter(tmp_path, prompts=2)
rows = [{"arm": "base", "prompt": "p1", "file": "a.png"}]
import_outputs(study, table(tmp_path, rows))
"""

from __future__ import annotations

import csv
import io
import json
import wave
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, PngImagePlugin

from mores.study import Study, load_study

TELLING = b"values_targeted"
"""Stands in the metadata of every file made here."""


def pixels(seed: int = 0, size: tuple[int, int] = (32, 24)) -> np.ndarray:
    """Colours of shape (height, width, 3)."""
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def png(seed: int = 0, size: tuple[int, int] = (32, 24)) -> bytes:
    """A PNG that names its arm in a text chunk."""
    info, out = PngImagePlugin.PngInfo(), io.BytesIO()
    info.add_text("Software", TELLING.decode())
    Image.fromarray(pixels(seed, size)).save(out, "PNG", pnginfo=info, dpi=(300, 300))
    return out.getvalue()


def jpeg(seed: int = 0, *, turned: bool = False) -> bytes:
    """A JPEG that names its arm in EXIF and in a comment; perhaps to be turned by a quarter."""
    exif, out = Image.Exif(), io.BytesIO()
    exif[0x0131] = TELLING.decode()  # Software
    exif[0x9003] = "2026:11:27 10:00:00"
    if turned:
        exif[0x0112] = 6  # Orientation: to be turned clockwise
    image = Image.fromarray(pixels(seed))
    image.save(out, "JPEG", quality=95, exif=exif, comment=TELLING)
    return out.getvalue()


def wav(seconds: float = 1.0, rate: int = 16_000, tone: float = 440.0) -> bytes:
    """A sine of 16 bits, with a LIST chunk that names its arm."""
    out = io.BytesIO()
    times = np.arange(round(seconds * rate)) / rate
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.sin(2 * np.pi * tone * times) * 8000).astype("<i2").tobytes())
    data = out.getvalue()
    text = TELLING + b"\x00"
    note = b"INFOISFT" + len(text).to_bytes(4, "little") + text
    data += b"LIST" + len(note).to_bytes(4, "little") + note
    return data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]


def film(form: str = "mp4", seconds: float = 1.0, size: tuple[int, int] = (64, 48)) -> bytes:
    """A film with sound whose container names its arm; ``mp4`` (H.264, AAC) or ``webm``."""
    out = io.BytesIO()
    codecs = {"mp4": ("libx264", "aac"), "webm": ("libvpx", "libopus")}[form]
    with av.open(out, "w", format=form) as target:
        target.metadata["title"] = target.metadata["comment"] = TELLING.decode()
        picture = target.add_stream(codecs[0], rate=10)
        picture.width, picture.height, picture.pix_fmt = *size, "yuv420p"
        sound = target.add_stream(codecs[1], rate=48_000)
        for number in range(round(10 * seconds)):
            shade = np.full((size[1], size[0], 3), 20 * number % 256, dtype=np.uint8)
            target.mux(picture.encode(av.VideoFrame.from_ndarray(shade, format="rgb24")))
        target.mux(picture.encode(None))
        tone = np.sin(np.arange(round(48_000 * seconds)) * 0.05).astype(np.float32) * 0.3
        for at in range(0, len(tone), 960):
            part = np.ascontiguousarray(tone[None, at : at + 960])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout="mono")
            frame.rate = 48_000
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    return out.getvalue()


def painter(
    folder: Path,
    *,
    prompts: int = 2,
    arms: Sequence[str] = ("base", "values_targeted", "control"),
    draws: int = 1,
    ids: Sequence[str] | None = None,
    models: Sequence[str] = ("painter",),
    per_item: int = 2,
    seats: int = 2,
    more: str = "",
    **settings: Any,
) -> Study:
    """Write a study whose models' answers are imported; no samples, one category.

    Args:
        folder: where; made if need be.
        prompts: in all, ``p1`` and on.
        arms: of the study; all are rated.
        draws: of each prompt.
        ids: of the prompts, instead.
        models: their names.
        per_item: ratings an item.
        seats: raters planned.
        more: further text of study.toml.
        settings: at its top, such as train_seeds=[1, 2].
    """
    folder.mkdir(parents=True, exist_ok=True)
    top = {"name": "paint", "preset": "quick", "arms": list(arms), **settings}
    lines = [f"{key} = {json.dumps(value)}" for key, value in top.items()]
    for model in models:
        lines.append(f'[[models]]\nname = "{model}"\nengine = "imported"\ntuner = "none"')
    lines.append(f"[sample]\ndraws = {draws}")
    lines.append(
        f"[rating]\nper_item = {per_item}\nseats = {seats}\narms = {json.dumps(top['arms'])}"
    )
    (folder / "study.toml").write_text("\n".join([*lines, more]) + "\n", encoding="utf-8")
    (folder / "charter.toml").write_text(
        'version = "1"\n[[positions]]\ncategory = "people"\ntitle = "People"\n'
        'statement = "Show people with respect, whoever they are."\n',
        encoding="utf-8",
    )
    names = ids or [f"p{n}" for n in range(1, prompts + 1)]
    asked = [
        {"id": n, "category": "people", "text": f"Show {n}.", "split": "test",
         "presets": ["quick", "palms-2021"]}
        for n in names
    ]  # fmt: skip
    lines_of(folder / "prompts.jsonl", asked)  # and no samples: nothing is tuned
    return load_study(folder)


def lines_of(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def table(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "outputs.csv") -> Path:
    """Write a CSV; its columns are those of the first row."""
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def pictures(
    folder: Path, study: Study, *, name: str = "outputs.csv", model: str = "painter"
) -> Path:
    """Write a table with an image for every arm, prompt and draw of a study."""
    rows: list[dict[str, Any]] = []
    config = study.config
    for arm in config.arms:
        for prompt in study.chosen_prompts:
            for draw in range(config.sample.draws):
                file = f"{arm}-{prompt.id}-{draw}.png"
                (folder / file).write_bytes(png(len(rows)))
                rows.append(
                    {"model": model, "arm": arm, "prompt": prompt.id, "draw": draw, "file": file,
                     "alt": f"Picture {len(rows)}"}
                )  # fmt: skip
    return table(folder, rows, name)
