"""Reads a page as a browser would: its one form, what it shows, and what it would send."""

from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A parsed page. fields: what each named field would send; errors: sentence by field."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.fields: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._select = ""
        self._area: str | None = None
        self._error: str | None = None
        self._style = False
        self.feed(text)
        self.said = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a field as a browser does."""
        given: dict[str, Any] = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") != "file":
            chosen = given.get("type") not in {"radio", "checkbox"} or "checked" in given
            if chosen:
                self.fields[name] = given.get("value", "")
        if tag == "select":
            self._select = name
            self.fields[name] = ""
        if tag == "option" and "selected" in given:
            self.fields[self._select] = given["value"]
        if tag == "textarea":
            self._area = name
            self.fields[name] = ""
        if tag == "p" and given.get("class") == "error":
            self._error = given["id"].removeprefix("e-")
            self.errors[self._error] = ""
        self._style = self._style or tag == "style"

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened."""
        if tag == "textarea" and self._area is not None:
            self.fields[self._area] = self.fields[self._area].removeprefix("\n")
            self._area = None
        if tag == "p":
            self._error = None
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        """Keep words, and the text of a field or an error."""
        if self._style:
            return
        self.words.append(data)
        if self._area is not None:
            self.fields[self._area] += data
        if self._error is not None:
            self.errors[self._error] += data

    def values_of(self, tag: str, attribute: str) -> list[str]:
        """Return an attribute of every tag that has it, in order."""
        return [found[attribute] for name, found in self.tags if name == tag and attribute in found]
