"""Photos of work: the type is read from the content, and nothing but the picture is kept.

Re-encoding drops every metadata block (place, time, camera, thumbnails); the orientation is applied
first. Source of the duty: UU 27/2022; a photo's coordinates may name a home.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from aduan.web.problems import Problem, field, invalid

BYTES_LIMIT: Final = 5 * 1024 * 1024
PIXEL_LIMIT: Final = 40_000_000
SIDE: Final = 1_920
MEDIA_TYPE: Final = "image/jpeg"
_FORMATS: Final = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True, slots=True)
class Photo:
    """A cleaned photo: JPEG, at most SIDE pixels a side. sha256: of these bytes, hex."""

    content: bytes
    sha256: str


def clean_photo(content: bytes) -> Photo:
    """Return the picture as a bare JPEG.

    Raises the problems content_too_large, unsupported_media_type and invalid (not a whole picture).
    """
    if len(content) > BYTES_LIMIT:
        raise Problem("content_too_large")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                if opened.width * opened.height > PIXEL_LIMIT:
                    raise Problem("content_too_large")
                upright = ImageOps.exif_transpose(opened).convert("RGB")
    except UnidentifiedImageError:
        raise Problem(
            "unsupported_media_type", errors=(field("file", "must be JPEG, PNG or WebP"),)
        ) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning):
        raise invalid("file", "is not a whole picture") from None
    upright.thumbnail((SIDE, SIDE))
    # A fresh image, so that nothing that rides along (EXIF, XMP, ICC, comments) is written again.
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=82)
    return Photo(out.getvalue(), hashlib.sha256(out.getvalue()).hexdigest())
