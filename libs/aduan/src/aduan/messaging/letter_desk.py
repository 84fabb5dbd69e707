"""What an operator and the sweeper do with dead letters: replay, skip, put held ones through."""

import structlog

from aduan.cases import Cases
from aduan.clock import Clock
from aduan.errors import AduanError
from aduan.messaging.dead_letters import DeadLetters, Letter
from aduan.messaging.port import Bus
from aduan.storage.port import StreamInbox


class NoSuchLetter(AduanError):
    """There is no open letter with this id."""


class NotItsTurn(AduanError):
    """An earlier event of the same stream of the case is missing or in a letter of its own."""


class LetterDesk:
    """Works on the open letters of one service, with the service's own handlers."""

    def __init__(self, cases: Cases, letters: DeadLetters, bus: Bus, clock: Clock) -> None:
        self._cases = cases
        self.letters = letters
        self._bus = bus
        self._clock = clock
        self._log = structlog.get_logger("aduan.letters")

    async def replay(self, letter_id: str) -> bool:
        """Run the service's handler on a letter, under the inbox rule; True when it closed.

        The event is not published again; what the handler emits goes out as always. Raises
        NoSuchLetter, NotItsTurn.
        """
        letter = await self._open(letter_id)
        await self._check_turn(letter)
        await self._cases.deliver(letter.case_id, [letter.event])
        closed = await self._close_if_done(letter)
        self._log.info("dead_letter.replayed", letter=letter_id, closed=closed)
        return closed

    async def replay_case(self, case_id: str) -> int:
        """Replay the open letters of one case in seq order until one does not close.

        Returns how many closed.
        """
        closed = 0
        for letter in await self.letters.of_case(case_id):
            try:
                if not await self.replay(letter.id):
                    break
            except NotItsTurn:
                continue
            closed += 1
        return closed

    async def skip(self, letter_id: str, *, reason: str, by: str) -> None:
        """Count a letter's event as done without effect, then drain. by: an operator's key id.

        Raises NoSuchLetter, NotItsTurn.
        """
        letter = await self._open(letter_id)
        if letter.case_id:
            await self._check_turn(letter)
            await self._cases.deliver(
                letter.case_id, [letter.event], skip=frozenset({(letter.stream, letter.seq)})
            )
        await self.letters.remove(letter_id)
        self._log.warning("dead_letter.skipped", letter=letter_id, reason=reason, by=by)

    async def sweep(self) -> None:
        """Put held letters through whose turn has come, close letters that are done, copy new ones."""
        for letter in await self.letters.held():
            if await self._next(letter) == letter.seq:
                await self._cases.deliver(letter.case_id, [letter.event])
            await self._close_if_done(letter)
        listed, _ = await self.letters.listed(limit=500)
        for letter in listed:
            if letter.case_id:
                await self._close_if_done(letter)
        await self.letters.copy_to_topic(self._bus)

    async def _open(self, letter_id: str) -> Letter:
        letter = await self.letters.get(letter_id)
        if letter is None:
            raise NoSuchLetter(letter_id)
        return letter

    async def _check_turn(self, letter: Letter) -> None:
        if letter.case_id and await self._next(letter) < letter.seq:
            raise NotItsTurn(letter.id)

    async def _next(self, letter: Letter) -> int:
        document = await self._cases.store.get(self._cases.collection, letter.case_id)
        inbox = document.inbox if document is not None else {}
        return inbox.get(letter.stream, StreamInbox()).next

    async def _close_if_done(self, letter: Letter) -> bool:
        if await self._next(letter) <= letter.seq:
            return False
        await self.letters.remove(letter.id)
        return True
