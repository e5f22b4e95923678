"""Media of anybody: what is kept, what is gone, what is refused."""

from __future__ import annotations

import io
import struct
import sys
import zipfile
import zlib

import av
import numpy as np
import pytest
from PIL import Image

from media_files import TELLING, film, jpeg, pixels, png, wav
from mores.errors import DataError, StudyError
from mores.sample.imported.captions import clean_captions
from mores.sample.imported.clean import clean


def cleaned(folder, data, name="a.bin"):
    path = folder / name
    path.write_bytes(data)
    return clean(path, name)


def chunks(data):
    """Names of the chunks of a PNG."""
    found, at = [], 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        found.append(data[at + 4 : at + 8].decode())
        at += size + 12
    return found


def blocks(data):
    """Kinds and contents of the metadata blocks of FLAC."""
    found, at, last = [], 4, False
    while not last:
        last, size = bool(data[at] & 0x80), int.from_bytes(data[at + 1 : at + 4])
        found.append((data[at] & 0x7F, data[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def test_a_png_keeps_its_pixels_and_nothing_else(tmp_path):
    made = cleaned(tmp_path, png(7))
    assert (made.kind, made.ending, made.width, made.height) == ("image", "png", 32, 24)
    assert set(chunks(made.data)) == {"IHDR", "IDAT", "IEND"}
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(made.data))), pixels(7))


def test_a_jpeg_is_turned_upright_and_has_no_exif(tmp_path):
    assert TELLING in jpeg()
    made, turned = cleaned(tmp_path, jpeg(3)), cleaned(tmp_path, jpeg(3, turned=True))
    assert set(chunks(made.data)) == {"IHDR", "IDAT", "IEND"}
    straight, upright = (np.asarray(Image.open(io.BytesIO(m.data))) for m in (made, turned))
    assert (turned.width, turned.height) == (24, 32)
    assert np.array_equal(np.rot90(straight, -1), upright)


def test_sixteen_bits_of_grey_become_eight(tmp_path):
    out = io.BytesIO()
    grey = np.array([[0, 257, 257 * 128, 65_535]], dtype=np.uint16)
    Image.fromarray(grey).save(out, "PNG")
    made = cleaned(tmp_path, out.getvalue())
    assert np.asarray(Image.open(io.BytesIO(made.data)))[0, :, 0].tolist() == [0, 1, 128, 255]


def test_what_is_seen_through_stays_so(tmp_path):
    out = io.BytesIO()
    Image.new("RGBA", (2, 1), (1, 2, 3, 4)).save(out, "WEBP", lossless=True, exact=True)
    made = Image.open(io.BytesIO(cleaned(tmp_path, out.getvalue()).data))
    assert (made.mode, made.getpixel((1, 0))) == ("RGBA", (1, 2, 3, 4))


def test_two_forms_of_one_picture_become_the_same_bytes(tmp_path):
    out = io.BytesIO()
    Image.fromarray(pixels(5)).save(out, "WEBP", lossless=True)
    assert cleaned(tmp_path, out.getvalue()).data == cleaned(tmp_path, png(5)).data


def test_a_sound_keeps_its_samples_and_nothing_else(tmp_path):
    assert TELLING in wav()
    made = cleaned(tmp_path, wav(0.5))
    assert (made.kind, made.seconds, made.rate, made.channels) == ("audio", 0.5, 16_000, 1)
    kinds = dict(blocks(made.data))
    assert set(kinds) <= {0, 1, 4}  # stream, padding, and a comment, which FLAC always has
    vendor = int.from_bytes(kinds[4][:4], "little")
    assert (vendor, kinds[4][4:]) == (6, b"ffmpeg" + bytes(4))  # no version, no comment
    with av.open(io.BytesIO(made.data)) as file:
        assert file.metadata == {}
        heard = np.concatenate([f.to_ndarray().ravel() for f in file.decode(audio=0)])
    times = np.arange(8000) / 16_000
    wanted = (np.sin(2 * np.pi * 440.0 * times) * 8000).astype("<i2")
    assert np.array_equal(heard.astype(np.int64), wanted)


@pytest.mark.parametrize("form", ["mp4", "webm"])
def test_a_film_keeps_what_is_seen_and_heard(tmp_path, form):
    data = film(form)
    assert TELLING in data
    made = cleaned(tmp_path, data)
    assert (made.kind, made.ending) == ("video", "webm")
    assert (made.width, made.height, made.rate, made.channels) == (64, 48, 48_000, 2)
    assert 1.0 <= made.seconds < 1.1  # encoders of sound fill their last block
    for word in (TELLING, b"x264", b"Lavc"):
        assert word not in made.data
    assert made.data == cleaned(tmp_path, data).data
    with av.open(io.BytesIO(made.data)) as file:
        assert file.metadata == {"encoder": "Lavf"}  # no version, the same for every arm
        frames = [f.to_ndarray(format="rgb24") for f in file.decode(video=0)]
    assert len(frames) == 10
    shades = [round(float(f.mean())) for f in frames]
    assert all(abs(s - 20 * n) < 6 for n, s in enumerate(shades))


def test_a_cover_picture_is_no_film(tmp_path):
    out = io.BytesIO()
    with av.open(out, "w", format="mp3") as target:
        sound = target.add_stream("libmp3lame", rate=44_100)
        cover = target.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 24, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        target.start_encoding()
        packet = av.Packet(png())
        packet.stream, packet.pts, packet.dts = cover, 0, 0
        tone = np.zeros((1, 44_100), dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
        frame.rate = 44_100
        target.mux(packet)
        target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
    made = cleaned(tmp_path, out.getvalue())
    assert (made.kind, made.width) == ("audio", None)


def bomb():
    """A PNG of 60,000 x 60,000 pixels in a few thousand bytes."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def moving():
    out = io.BytesIO()
    frames = [Image.fromarray(pixels(n)) for n in range(3)]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


def archive():
    out = io.BytesIO(png())
    out.seek(0, 2)
    with zipfile.ZipFile(out, "a") as file:
        file.writestr("run.js", "alert(1)")
    return out.getvalue()


HOSTILE = {
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "markup"),
    "svg with a mark": (b"\xef\xbb\xbf <?xml version='1.0'?><svg/>", "markup"),
    "a page in a picture": (png() + b"<ScRiPt>alert(1)</script>", "two files in one"),
    "an archive in a picture": (archive(), "two files in one"),
    "a bomb": (bomb(), "more than 16777216 pixels"),
    "a picture that moves": (moving(), "moves; bring it as video"),
    "half a picture": (jpeg()[:900], "does not decode"),
    "a damaged picture": (png()[:60] + bytes(200) + png()[260:], "does not decode"),
    "half a film": (film("mp4")[:4000], "does not decode"),
    "a film that ends early": (film("webm", 2.0)[:-6000], "it ends after|does not decode|damaged"),
    "half a sound": (wav()[:12_000], "damaged|it ends after"),
    "a playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no known form"),
    "a list of files": (b"ffconcat version 1.0\nfile /etc/passwd\n", "no known form"),
    "a program": (b"\x7fELF" + bytes(100), "no known form"),
    "nothing": (b"", "empty"),
    "silence without samples": (wav(0.0), "no sound|does not decode|damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_media_is_refused(tmp_path, name):
    data, said = HOSTILE[name]
    with pytest.raises(DataError, match=said) as caught:
        cleaned(tmp_path, data, "a.png")
    assert "PNG, JPEG" in (caught.value.fix or "")


def test_too_large_and_too_long_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("mores.sample.imported.clean.MOST_BYTES", 100)
    with pytest.raises(DataError, match="at most 100 are taken"):
        cleaned(tmp_path, png())
    monkeypatch.undo()
    monkeypatch.setattr("mores.sample.imported.sound.MOST_SECONDS", 0.5)
    with pytest.raises(DataError, match=r"longer than 0 seconds"):
        cleaned(tmp_path, wav(1.0))
    monkeypatch.setattr("mores.sample.imported.sound.MOST_PIXELS", 64 * 47)
    with pytest.raises(DataError, match="frames of 64 x 48 pixels"):
        cleaned(tmp_path, film())


def test_captions_keep_times_and_words(tmp_path):
    path = tmp_path / "a.vtt"
    path.write_text(
        "WEBVTT - made by values_targeted\nKind: captions\n\nNOTE values_targeted\n\n"
        "STYLE\n::cue { color: red }\n\nintro\n00:00.000 --> 00:01.500 align:start\n"
        "<v Ada>Good <b>morning</b>\nall\n\n01:02:03.004 --> 01:02:04.000\nEnd\n",
        encoding="utf-8",
    )
    assert clean_captions(path) == (
        "WEBVTT\n\n00:00.000 --> 00:01.500\nGood morning\nall\n\n"
        "01:02:03.004 --> 01:02:04.000\nEnd\n"
    )
    for text, said in (("1\n00:00 hello", "no WebVTT"), ("WEBVTT\n\nNOTE x\n", "without a cue")):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=said):
            clean_captions(path)


@pytest.mark.parametrize(("library", "data"), [("PIL", png()), ("av", wav())])
def test_a_library_that_is_not_installed_is_named(tmp_path, monkeypatch, library, data):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(StudyError, match="is not installed") as caught:
        cleaned(tmp_path, data)
    assert caught.value.fix == 'pip install "mores[media]"'
