"""A sound or a film of anybody → FLAC or WebM with samples and frames only.

The file is decoded from memory, by the one demuxer that its first bytes name: nothing in it can
lead to another file or address. Frame by frame, so that no film is held decoded.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from mores.errors import StudyError
from mores.sample.imported.made import Clean, UnfitError

MOST_SECONDS = 600.0
MOST_PIXELS = 1920 * 1920
"""Of a frame."""
MOST_FRAMES = 36_000
MOST_RATE = 192_000
SHORT = 0.25
"""Seconds by which a file may end before what it says of itself: encoders pad."""
GUESSED = ("mp3", "aac")
"""Forms that do not say how long they are; what is said is guessed from their rate."""
TICK = Fraction(1, 1000)
"""Seconds; what WebM counts in."""
VIDEO = {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "5", "threads": "1"}
"""VP9 of constant quality; one thread, so that the same frames give the same bytes."""


def clean_stream(data: bytes, form: str) -> Clean:
    """Decode the first film track and the first sound track to their end, and encode both anew.

    Sound alone becomes FLAC of 16 bits at its own rate, in one or two channels. A film becomes VP9
    with Opus in WebM; a cover picture is no film and is dropped, and so are further tracks.

    Raises:
        UnfitError: it does not decode, ends early, or is too long or too large.
        StudyError: PyAV is not installed.
    """
    try:
        import av
        import av.error
    except ImportError:
        raise StudyError(
            "audio and video need PyAV, which is not installed", fix='pip install "mores[media]"'
        ) from None
    try:
        with av.open(io.BytesIO(data), format=form, metadata_errors="ignore") as source:
            films = [v for v in source.streams.video if not _is_cover(v)]
            sounds = list(source.streams.audio)
            if not films and not sounds:
                raise UnfitError(f"{form} without sound or film")
            work = _Film(films[0], sounds[:1]) if films else _Sound(sounds[0])
            return work.run(source)
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        said = getattr(error, "strerror", None) or error
        raise UnfitError(f"{form} that does not decode ({said})") from None


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


class _Sound:
    """Sound alone."""

    form = "flac"

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.streams = [stream]
        self.seconds = 0.0
        self.rate: int | None = None
        self.channels: int | None = None

    def run(self, source: Any) -> Clean:
        import av

        out = io.BytesIO()
        with av.open(out, "w", format=self.form, options={"fflags": "+bitexact"}) as target:
            self.begin(target)
            for frame in _frames(source, self.streams):
                self.take(target, frame)
            self.end(target)
        if source.format.name not in GUESSED:
            _refuse_short(source, self.seconds)
        return self.made(out.getvalue())

    def begin(self, target: Any) -> None:
        self._add_sound(target, self.stream, "flac", int(self.stream.rate or 0), "s16")

    def _add_sound(self, target: Any, stream: Any, codec: str, rate: int, kind: str) -> None:
        import av

        if not 0 < rate <= MOST_RATE or not stream.channels:
            raise UnfitError(f"a sound of {rate} samples a second, {stream.channels} channels")
        self.per_second, self.rate, self.channels = rate, rate, min(2, int(stream.channels))
        layout = "mono" if self.channels == 1 else "stereo"
        self.sound = target.add_stream(codec, rate=rate, layout=layout)
        self.sound.codec_context.options = {"flags": "+bitexact"}
        self.resampler = av.AudioResampler(format=kind, layout=layout, rate=rate)
        self.heard = 0

    def take(self, target: Any, frame: Any) -> None:
        for part in self.resampler.resample(frame):
            self._encode(target, part)

    def _encode(self, target: Any, part: Any) -> None:
        self.heard += part.samples
        self._reach(self.heard / self.per_second)
        part.pts = None
        target.mux(self.sound.encode(part))

    def _reach(self, seconds: float) -> None:
        self.seconds = max(self.seconds, seconds)
        if self.seconds > MOST_SECONDS:
            raise UnfitError(f"longer than {MOST_SECONDS:.0f} seconds")

    def end(self, target: Any) -> None:
        for part in self.resampler.resample(None):
            self._encode(target, part)
        if not self.heard:
            raise UnfitError("no sound could be decoded")
        target.mux(self.sound.encode(None))

    def made(self, data: bytes) -> Clean:
        return Clean(
            "audio",
            data,
            "flac",
            seconds=round(self.seconds, 3),
            rate=self.rate,
            channels=self.channels,
        )


class _Film(_Sound):
    """A film, perhaps with sound."""

    form = "webm"

    def __init__(self, film: Any, sounds: list[Any]) -> None:
        super().__init__(sounds[0] if sounds else None)
        self.film = film
        self.streams = [film, *sounds]
        self.picture: Any = None
        self.shown = 0
        self.first: float | None = None
        if film.width * film.height > MOST_PIXELS:
            size = f"{film.width} x {film.height}"
            raise UnfitError(f"frames of {size} pixels; at most {MOST_PIXELS} are decoded")

    def begin(self, target: Any) -> None:
        self.picture = target.add_stream("libvpx-vp9", rate=self.film.average_rate or 25)
        self.picture.pix_fmt = "yuv420p"
        self.picture.codec_context.time_base = TICK
        self.picture.codec_context.options = {**VIDEO, "flags": "+bitexact"}
        if self.stream is not None:
            self._add_sound(target, self.stream, "libopus", 48_000, "flt")

    def take(self, target: Any, frame: Any) -> None:
        import av

        if isinstance(frame, av.AudioFrame):
            super().take(target, frame)
            return
        picture = _upright(frame)
        if not self.shown:
            self.picture.width, self.picture.height = picture.width, picture.height
            self.first = frame.time or 0.0
        elif (picture.width, picture.height) != (self.picture.width, self.picture.height):
            raise UnfitError("frames of several sizes")
        self.shown += 1
        if self.shown > MOST_FRAMES:
            raise UnfitError(f"more than {MOST_FRAMES} frames")
        at = max(0.0, (frame.time or 0.0) - (self.first or 0.0))
        self._reach(at + (1 / float(self.film.average_rate) if self.film.average_rate else 0.0))
        again = picture.reformat(format="yuv420p")
        # Nothing of a frame is kept but what it shows and when.
        again.pts, again.time_base = round(at / TICK), TICK
        again.pict_type = av.video.frame.PictureType.NONE
        target.mux(self.picture.encode(again))

    def end(self, target: Any) -> None:
        if not self.shown:
            raise UnfitError("no frame could be decoded")
        target.mux(self.picture.encode(None))
        if self.stream is not None and self.heard:
            super().end(target)

    def made(self, data: bytes) -> Clean:
        return Clean(
            "video",
            data,
            "webm",
            width=self.picture.width,
            height=self.picture.height,
            seconds=round(self.seconds, 3),
            rate=self.rate,
            channels=self.channels,
        )


def _frames(source: Any, streams: list[Any]) -> Iterator[Any]:
    """Frames of some streams in the order of the file.

    Raises:
        UnfitError: a packet is damaged.
    """
    for packet in source.demux(streams):
        if packet.is_corrupt:
            raise UnfitError("part of it is damaged")
        yield from packet.decode()


def _upright(frame: Any) -> Any:
    """A frame as it is to be seen: phones write turned ones and say so beside them."""
    turns = round(frame.rotation / 90) % 4
    if not turns:
        return frame
    import av
    import numpy as np

    turned = np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
    return av.VideoFrame.from_ndarray(turned, format="rgb24")


def _refuse_short(source: Any, seconds: float) -> None:
    """Refuse a file that says it is longer than what could be decoded."""
    said = (source.duration or 0) / 1e6
    if said - seconds > max(SHORT, 0.02 * said):
        raise UnfitError(f"it ends after {seconds:.1f} of {said:.1f} seconds")
