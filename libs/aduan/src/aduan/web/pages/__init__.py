"""What all pages of the services share: templates, the style sheet, Indonesian dates, safe forms.

Pages work without a script, and carry their style sheet inline: one request shows a page.
"""

from aduan.web.pages.environment import environment
from aduan.web.pages.words import STATE_LABELS, day_in_words, moment_in_words, short_moment

__all__ = ["STATE_LABELS", "day_in_words", "environment", "moment_in_words", "short_moment"]
