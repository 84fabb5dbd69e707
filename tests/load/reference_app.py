"""The yardstick: FastAPI with nothing behind it. Same body model, no key, no store, 202.

Do not make it faster or slower: figures of different days are compared through it.
"""

from fastapi import FastAPI

from aduan_intake.domain.request import ComplaintIn

app = FastAPI()


@app.post("/v1/complaints", status_code=202)
async def accept(given: ComplaintIn) -> None:
    """Read the body as intake does, and forget it."""
