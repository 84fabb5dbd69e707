"""ETag, If-Match and If-None-Match over a document's version (RFC 9110, sections 8.8 and 13)."""

from collections.abc import Mapping

from aduan.web.problems import Problem


def etag(version: int) -> str:
    """Return the strong tag of a version."""
    return f'"v{version}"'


def not_modified(headers: Mapping[str, str], version: int) -> bool:
    """Whether the reader already has this version (answer 304 then)."""
    sent = headers.get("if-none-match")
    return sent is not None and _names(sent, version, weak=True)


def must_match(headers: Mapping[str, str], version: int, *, required: bool = False) -> None:
    """Raise 412 unless If-Match names this version; 428 when it is absent although required."""
    sent = headers.get("if-match")
    if sent is None:
        if required:
            raise Problem("precondition_required")
        return
    if not _names(sent, version, weak=False):
        raise Problem("precondition_failed")


def _names(sent: str, version: int, *, weak: bool) -> bool:
    tags = [tag.strip() for tag in sent.split(",")]
    if weak:
        tags = [tag.removeprefix("W/") for tag in tags]
    return "*" in tags or etag(version) in tags
