"""An image of anybody → PNG with pixels only."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from mores.errors import StudyError
from mores.sample.imported.made import Clean, UnfitError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MOST_PIXELS = 4096 * 4096
"""Decoded, at four bytes a pixel, 67 MB. Looked at before anything is decoded."""


def clean_image(data: bytes, form: str) -> Clean:
    """Decode one image, turn it upright, and write its pixels as PNG.

    Colours are brought to sRGB, 16 bits a channel to 8. The same pixels give the same bytes.

    Raises:
        UnfitError: it does not decode, is too large, or moves.
        StudyError: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise StudyError(
            "images need Pillow, which is not installed", fix='pip install "mores[media]"'
        ) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken metadata: none of it is kept
            with Image.open(io.BytesIO(data), formats=(form,)) as opened:
                _refuse_size(opened)
                opened.load()
                upright = ImageOps.exif_transpose(opened)
                pixels = _pixels(upright)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, KeyError) as error:
        raise UnfitError(f"{form} that does not decode ({error})") from None
    except (Image.DecompressionBombError, MemoryError):
        raise UnfitError(f"more than {MOST_PIXELS} pixels") from None
    out = io.BytesIO()
    pixels.save(out, "PNG")
    return Clean("image", out.getvalue(), "png", width=pixels.width, height=pixels.height)


def _refuse_size(image: Picture) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise UnfitError(
            f"{image.width} x {image.height} pixels; at most {MOST_PIXELS} are decoded"
        )
    # What phones write has a second, small picture (MPO); that one does not move.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise UnfitError("an image that moves; bring it as video")


def _pixels(image: Picture) -> Picture:
    """The pixels in a new image, which has nothing of what the old one was described by."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        image = _eight_bits(image)
    seen_through = image.has_transparency_data
    image = _as_srgb(image).convert("RGBA" if seen_through else "RGB")
    return Image.frombytes(image.mode, image.size, image.tobytes())


def _eight_bits(image: Picture) -> Picture:
    """Grey of 16 bits to 8: a plain conversion would cut all above 255 off."""
    import numpy as np
    from PIL import Image

    values = np.asarray(image).astype(np.float64)
    return Image.fromarray((np.clip(values, 0, 65_535) / 257).round().astype(np.uint8))


def _as_srgb(image: Picture) -> Picture:
    from PIL import ImageCms

    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L"):
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        made = ImageCms.profileToProfile(
            image, own, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError):
        return image  # a profile that cannot be read is no profile
    return made or image
