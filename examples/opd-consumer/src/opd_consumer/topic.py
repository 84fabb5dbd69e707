"""The unit's topic, applied to the book."""

import asyncio
import json
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer

from opd_consumer.book import Book
from opd_consumer.settings import Settings


async def follow(settings: Settings, book: Book, news: asyncio.Event) -> None:
    """Read for ever, from where the group stands; sets `news` when something was new.

    Raises KafkaError where the brokers cannot be reached, or refuse us.
    """
    consumer = AIOKafkaConsumer(
        settings.topic,
        group_id=settings.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **settings.kafka_options(),
    )
    await consumer.start()
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=500)
            for records in batches.values():
                for record in records:
                    if _apply(book, record):
                        news.set()
            if batches:
                # after the book: a crash in between brings records again, and the book knows them
                await consumer.commit()
    finally:
        await consumer.stop()


def _apply(book: Book, record: Any) -> bool:
    attributes = dict(record.headers)
    try:
        event_id, case_id = attributes["ce_id"].decode(), attributes["ce_subject"].decode()
        data = json.loads(record.value)
        return book.apply(event_id, case_id, data)
    except (KeyError, ValueError) as error:
        # nothing of ours: one bad record must not stand in the way of all that follow
        sys.stderr.write(f"record {record.offset} is not readable ({type(error).__name__})\n")
        return False
