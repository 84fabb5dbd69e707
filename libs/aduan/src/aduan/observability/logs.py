"""JSON log lines on one stream, for our own loggers and for the libraries' (uvicorn and the rest).

Each line has event, level, at (UTC), service, the ids bound in `trace.bound`, and fields of the
caller. Before it is written, every text in it passes the redactor, and an exception is reduced to
its type and places: its words often quote the input.
"""

import logging
import logging.config
import sys
from collections.abc import Sequence
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from aduan.observability.redact import redact
from aduan.observability.trace import add_ids
from aduan.observability.where import places


def configure(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send all logging of this process as JSON lines to `stream` (stderr by default).

    Called once, by the process that hosts one service or all of them.
    """
    shared: list[Processor] = [
        add_ids,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        exceptions_without_words,
        _naming(service),
        redact,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        # A library that configured logging before us may have switched these off.
        logger.disabled = False
        logger.setLevel(logging.NOTSET)
        logger.propagate = name != "uvicorn.access"  # its lines hold whole URLs; the edge counts
    for name in ("aiokafka", "pymongo"):
        logging.getLogger(name).setLevel(logging.WARNING)  # each rebalance names every partition
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log whole URLs as well
    for name in ("opentelemetry", "urllib3"):
        # `aduan.traces` says once that the collector is away; these would at every try, with its URL.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _naming(service: str) -> Processor:
    def name(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line.setdefault("service", service)
        return line

    return name


def exceptions_without_words(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Replace exc_info by `error` (the type) and `places` (module:line, innermost last)."""
    found = line.pop("exc_info", None)
    line.pop("stack_info", None)
    error: object = None
    if found is True:
        error = sys.exc_info()[1]
    elif isinstance(found, BaseException):
        error = found
    elif isinstance(found, Sequence) and len(found) == 3:  # of sys.exc_info
        error = found[1]
    if isinstance(error, BaseException):
        line["error"] = type(error).__name__
        line["places"] = places(error)
    return line
