"""Snapshot, then topic; and what the work orders need of Aduan, until it is done."""

import asyncio
import sys
from pathlib import Path
from typing import Final

from opd_consumer.book import Book, Order
from opd_consumer.office import MovedOn, NotNow, Office, Rejected
from opd_consumer.settings import Settings
from opd_consumer.topic import follow

EVERY_SECONDS: Final = 1.0


async def run(settings: Settings) -> None:
    """Work until cancelled. Raises what ends it: no access to Kafka, a key that is not valid."""
    book = Book(settings.book)
    office = Office(settings.aduan_url, settings.aduan_key)
    news = asyncio.Event()
    try:
        await take_snapshot(book, office)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(follow(settings, book, news))
            tasks.create_task(_work(book, office, news))
    finally:
        await office.close()
        book.close()


async def take_snapshot(book: Book, office: Office) -> None:
    """Read every case of the office, as often as it takes."""
    while True:
        try:
            async for case in office.cases():
                book.keep(case)
        except NotNow as error:
            _say(f"no snapshot yet: {error}")
            await asyncio.sleep(EVERY_SECONDS)
        else:
            return


async def _work(book: Book, office: Office, news: asyncio.Event) -> None:
    while True:
        await work_off(book, office)
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await news.wait()
        except TimeoutError:
            continue
        news.clear()


async def work_off(book: Book, office: Office) -> None:
    """Tell Aduan what is new about every order."""
    for order in (*book.orders("new"), *book.orders("finished")):
        try:
            await _tell(book, office, order)
        except NotNow as error:
            _say(f"{order.number}: later ({error})")
        except Rejected as error:
            # a person has to look: finish it again, with what was missing
            _say(f"{order.number}: not accepted: {error}")
            book.move(order.number, "started")
        except MovedOn:
            await _look(book, office, order)


async def _tell(book: Book, office: Office, order: Order) -> None:
    for action in ("accept", "start"):
        # what is true already is answered 200; what has gone further is answered 409
        if order.state == "new":
            await office.act(order.case_id, action, {}, f"{order.number}-{action}")
    if order.state == "new":
        book.move(order.number, "started")
        return
    evidence = []
    if order.photo is not None:
        photo = await asyncio.to_thread(order.photo.read_bytes)
        key = f"{order.number}-photo"
        evidence = [await office.evidence(order.case_id, order.photo.name, photo, key)]
    words = f"{order.text} (Perintah kerja {order.number})"
    await office.act(
        order.case_id, "answer", {"text": words, "evidence": evidence}, order.number
    )  # fmt: skip
    book.move(order.number, "answered")


async def _look(book: Book, office: Office, order: Order) -> None:
    """The case went another way: see where it is, and take the order with it."""
    try:
        case = await office.case(order.case_id)
    except MovedOn:
        book.move(order.number, "void")
        return
    except NotNow:
        return
    if order.state == "new" and case["state"] == "in_progress":
        book.move(order.number, "started")
    elif case["state"] not in ("assigned", "accepted", "in_progress"):
        book.move(order.number, "void")


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def photo_of(text: str | None) -> Path | None:
    """Return the path of an existing file. Raises FileNotFoundError."""
    if text is None:
        return None
    path = Path(text)
    if not path.is_file():
        raise FileNotFoundError(text)
    return path
