"""The photograph that an officer adds to an answer about physical work: drawn, nobody on it."""

import io
import random
from typing import Final

from PIL import Image, ImageDraw

SIZE: Final = (480, 320)
_SKIES: Final = ((176, 206, 226), (201, 214, 220), (226, 208, 182))
_GROUNDS: Final = ((92, 92, 96), (118, 104, 88), (84, 104, 84))


def photograph(seed: str) -> bytes:
    """Return a JPEG of SIZE pixels: a street, a pole and the place where work was done.

    The same seed gives the same picture; different seeds give different bytes.
    """
    draw_from = random.Random(seed)  # noqa: S311 - a picture, not a secret
    image = Image.new("RGB", SIZE, draw_from.choice(_SKIES))
    pen = ImageDraw.Draw(image)
    width, height = SIZE
    horizon = draw_from.randint(height // 3, height // 2)
    pen.rectangle((0, horizon, width, height), fill=draw_from.choice(_GROUNDS))
    vanishing = draw_from.randint(width // 3, 2 * width // 3)
    pen.polygon(
        [(vanishing - 14, horizon), (vanishing + 14, horizon), (width - 40, height), (40, height)],
        fill=(64, 64, 68),
    )
    for step in range(5):  # the marking in the middle of the road, larger towards us
        top = horizon + (height - horizon) * step * step // 25 + 4
        pen.rectangle(
            (vanishing - 2 - step, top, vanishing + 2 + step, top + 6 + 4 * step), "white"
        )
    pole = draw_from.randint(30, 90)
    pen.rectangle((pole, horizon - 110, pole + 6, height - 60), fill=(72, 72, 76))
    pen.ellipse((pole - 4, horizon - 120, pole + 40, horizon - 100), fill=(250, 232, 150))
    left, top = draw_from.randint(170, 260), draw_from.randint(horizon + 40, height - 70)
    pen.rectangle((left, top, left + 90, top + 34), fill=(38, 38, 41))  # the new patch
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=80)
    return file.getvalue()
