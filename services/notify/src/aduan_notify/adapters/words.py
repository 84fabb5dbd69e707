"""How a letter says a deadline."""

from datetime import date, datetime

from aduan.clock import WIB
from aduan.web.pages.words import day_in_words, moment_in_words


def due_in_words(moment: datetime) -> str:
    """Return a deadline in words: `Selasa, 1 Desember 2026 pukul 16.30 WIB`.

    A moment at midnight WIB is said as the end of the day before it: that is how people read it.
    """
    local = moment.astimezone(WIB)
    if (local.hour, local.minute) == (0, 0):
        return f"{day_in_words(date.fromordinal(local.toordinal() - 1))} pukul 24.00 WIB"
    return moment_in_words(local)
