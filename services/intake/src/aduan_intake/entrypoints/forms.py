"""What the pages read of a browser's form: text fields, and photos with a sentence beside them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import UploadFile
from starlette.requests import Request

from aduan.web.problems import Problem
from aduan_intake.commands import Cleaned, clean
from aduan_intake.domain.images import BYTES_LIMIT
from aduan_intake.ports import Desk

PHOTOS: Final = 3
FORM_LIMIT: Final = 40 * 1024 * 1024
"""Bytes of a whole form: well above three photos, so that our own sentence answers, not a 413."""
PHOTO: Final = "foto"
PHOTO_MB: Final = BYTES_LIMIT // (1024 * 1024)
_FIELDS: Final = 40
_ONE_TIME: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_BAD_PHOTO: Final[Mapping[str, str]] = {
    "content_too_large": f"Foto terlalu besar. Paling besar {PHOTO_MB} MB untuk setiap foto.",
    "unsupported_media_type": "Berkas bukan foto JPEG, PNG, atau WebP.",
    "invalid": "Foto tidak utuh. Mohon pilih foto lain.",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it came. error: what is wrong with a photo, as a sentence."""

    texts: Mapping[str, str]
    photos: tuple[Cleaned, ...]
    error: str | None

    def key(self) -> str | None:
        """Return the hidden one-time key, or None where somebody has changed it."""
        found = self.texts.get("kunci", "")
        return found if _ONE_TIME.fullmatch(found) else None


async def read(desk: Desk, request: Request) -> Sent:
    """Read a form. A browser cannot show a chosen file again, so photos are checked first.

    Raises the 400 problem of a body that is no form.
    """
    texts: dict[str, str] = {}
    contents: list[bytes] = []
    async with request.form(max_files=PHOTOS + 5, max_fields=_FIELDS) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name == PHOTO and value.filename:
                    contents.append(await value.read(BYTES_LIMIT + 1))
            else:
                texts[name] = value
    if len(contents) > PHOTOS:
        return Sent(texts, (), f"Paling banyak {PHOTOS} foto.")
    photos = []
    for content in contents:
        try:
            photos.append(await clean(desk, content))
        except Problem as problem:
            return Sent(texts, (), _BAD_PHOTO[problem.code])
    return Sent(texts, tuple(photos), None)
