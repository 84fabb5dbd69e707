"""Photos of citizens: the type is read from the content, and nothing but the picture is kept.

Re-encoding drops every metadata block (place, time, camera, thumbnails); the orientation is applied
first. Source of the duty: UU 27/2022; a photo's own coordinates may name a home.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from aduan.web.problems import Problem, field

BYTES_LIMIT: Final = 10 * 1024 * 1024  # what a telephone makes of a street today
PIXEL_LIMIT: Final = 40_000_000
SIDE: Final = 2_560
_FORMATS: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A cleaned picture."""

    media_type: str
    content: bytes
    sha256: str


def clean_picture(content: bytes) -> Picture:
    """Return the picture re-encoded in its own format, at most 2,560 pixels a side.

    Raises the problems content_too_large, unsupported_media_type and invalid (not a whole picture).
    """
    if len(content) > BYTES_LIMIT:
        raise Problem("content_too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=tuple(_FORMATS)) as opened:
                kind = opened.format or ""
                if opened.width * opened.height > PIXEL_LIMIT:
                    raise Problem("content_too_large")
                # Small first, then upright: one decoded picture in memory at a time.
                opened.draft("RGB", (SIDE, SIDE))
                opened.thumbnail((SIDE, SIDE))
                return _encoded(ImageOps.exif_transpose(opened), kind)
    except UnidentifiedImageError:
        raise Problem(
            "unsupported_media_type", errors=(field("file", "must be JPEG, PNG or WebP"),)
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning):
        raise Problem("invalid", errors=(field("file", "is not a whole picture"),)) from None


def _encoded(picture: Image.Image, kind: str) -> Picture:
    out = io.BytesIO()
    # A fresh image, so that nothing that rides along (EXIF, XMP, ICC, comments) is written again.
    mode = "RGB" if kind == "JPEG" else ("RGBA" if "A" in picture.getbands() else "RGB")
    bare = Image.new(mode, picture.size)
    bare.paste(picture.convert(mode))
    options = {"quality": 85} if kind in {"JPEG", "WEBP"} else {"optimize": True}
    bare.save(out, kind, **options)
    content = out.getvalue()
    return Picture(_FORMATS[kind], content, hashlib.sha256(content).hexdigest())
