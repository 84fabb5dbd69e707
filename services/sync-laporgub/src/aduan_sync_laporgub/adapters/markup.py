"""From a partner's HTML to plain text that can be shown, scrubbed and pushed on."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final

_BREAKS: Final = frozenset({"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "ul", "ol"})
_SILENT: Final = frozenset({"script", "style", "template"})
_PLACEHOLDER: Final = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(data)


def plain_text(markup: str) -> str:
    """Return the readable text: no tag, no script, entities resolved, single spaces and breaks."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return a template with its `{{name}}` placeholders filled; an unknown one becomes nothing."""
    return _PLACEHOLDER.sub(lambda found: values.get(found.group(1), ""), template)
