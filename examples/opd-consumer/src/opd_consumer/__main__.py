"""`opd-consumer run | orders | finish NUMBER TEXT [--photo FILE]`."""

import argparse
import asyncio
import sys

from aiokafka.errors import KafkaError

from opd_consumer.book import Book
from opd_consumer.bridge import photo_of, run
from opd_consumer.office import NoAccess
from opd_consumer.settings import Missing, Settings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code: 0 done, 1 it did not work out, 2 not possible as asked."""
    parser = argparse.ArgumentParser(prog="opd-consumer", description="Aduan and our work orders")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("run", help="read and answer, until stopped")
    verbs.add_parser("orders", help="list the work orders")
    finish = verbs.add_parser("finish", help="the work is done: answer the case")
    finish.add_argument("number")
    finish.add_argument("text")
    finish.add_argument("--photo")
    chosen = parser.parse_args(arguments)
    try:
        settings = Settings.of()
        if chosen.verb == "run":
            return _run(settings)
        book = Book(settings.book)
        if chosen.verb == "orders":
            for order in book.orders():
                sys.stdout.write(f"{order.number} {order.state} {order.case_id}\n")
            return 0
        if book.finish(chosen.number, chosen.text, photo_of(chosen.photo)):
            return 0
    except (Missing, FileNotFoundError) as problem:
        sys.stderr.write(f"opd-consumer: {problem}\n")
        return 2
    sys.stderr.write(f"opd-consumer: there is no open order {chosen.number}\n")
    return 1


def _run(settings: Settings) -> int:
    try:
        asyncio.run(run(settings))
    except KeyboardInterrupt:
        return 0
    except Exception as error:
        cause = _first(error)
        if not isinstance(cause, KafkaError | NoAccess):
            raise
        whose = "Kafka" if isinstance(cause, KafkaError) else "Aduan"
        sys.stderr.write(f"opd-consumer: {whose} does not let us in: {cause}\n")
        return 1
    return 0


def _first(error: BaseException) -> BaseException:
    """Return what happened inside a group of tasks."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


if __name__ == "__main__":
    sys.exit(main())
