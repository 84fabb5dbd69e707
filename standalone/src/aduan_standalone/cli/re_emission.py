"""`aduan re-emit`: the log was lost, and the documents tell it again."""

import time
from collections.abc import Iterator
from typing import Any, Final

from aduan.contracts.topics import TOPICS
from aduan_standalone.cli.api import Api
from aduan_standalone.cli.refusal import Refusal

PRODUCERS: Final = tuple(dict.fromkeys(topic.producer for topic in TOPICS))
TRIES: Final = 5
PAUSE_SECONDS: Final = 2.0


def re_emit(api: Api, service: str | None) -> Iterator[dict[str, Any]]:
    """Walk over all documents of each producer; yield {"service", "documents", "events"} of each.

    Raises Refusal when a service says no several times; the pass has to be repeated whole then.
    """
    if service is not None and service not in PRODUCERS:
        raise Refusal(f"{service} tells no events; those are {', '.join(PRODUCERS)}.")
    for name in (service,) if service is not None else PRODUCERS:
        documents = events = 0
        cursor: str | None = None
        while True:
            page = _page(api, name, cursor)
            documents += page["documents"]
            events += page["events"]
            cursor = page["next"]
            if cursor is None:
                break
        yield {"service": name, "documents": documents, "events": events}


def _page(api: Api, service: str, cursor: str | None) -> Any:
    body = {"cursor": cursor} if cursor else {}
    for left in reversed(range(TRIES)):
        try:
            return api.post(service, f"/{service}/ops/re-emit", body)
        except Refusal:
            # A log that has just come back may still be short of an answer; a page may repeat.
            if not left:
                raise
            time.sleep(PAUSE_SECONDS)
    return None
