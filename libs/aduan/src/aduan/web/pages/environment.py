"""The Jinja2 environment of a service's pages."""

from typing import Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined

from aduan.web.pages.words import STATE_LABELS, day_in_words, moment_in_words, short_moment

SHARED: Final = "aduan"


def environment(package: str, folder: str = "pages") -> Environment:
    """Return the environment for the templates in `folder` of `package`.

    Shared templates are `aduan/base.html` and `aduan/parts.html`. Everything is escaped, and a name
    that the page was not given raises UndefinedError. Filters: `hari` (a day), `waktu` (a moment),
    `singkat` (a moment for tables), all in WIB; `state_labels` is a global.
    Raises ValueError where the package has no such folder.
    """
    found = Environment(
        loader=ChoiceLoader(
            [
                PrefixLoader({SHARED: PackageLoader("aduan.web", "pages")}),
                PackageLoader(package, folder),
            ]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["hari"] = day_in_words
    found.filters["waktu"] = moment_in_words
    found.filters["singkat"] = short_moment
    found.globals["state_labels"] = STATE_LABELS
    return found
