"""Where a letter goes, asked at the moment of sending: flags and addresses as they are then."""

from collections.abc import Mapping, Sequence
from typing import Final

from aduan.errors import AduanError
from aduan.storage.port import Body, Store
from aduan_notify.adapters.directory import Directory
from aduan_notify.domain.ledger import Row
from aduan_notify.domain.subscription import OF_A_UNIT, PER_LIST, SUBSCRIPTIONS, list_of
from aduan_notify.ports import Contacts, ContactsAway

REPORTER: Final = "reporter"


class Unsendable(AduanError):
    """There is nobody to send this to. reason: as the ledger lists it for `skipped`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Recipients:
    """Resolves the addresses of one row."""

    def __init__(
        self, contacts: Contacts, store: Store, directories: Mapping[str, Directory]
    ) -> None:
        self._contacts = contacts
        self._store = store
        self._directories = directories

    def refusal(self, body: Body, row: Row) -> str | None:
        """Return why this may not go out at all, as the case is now; pure."""
        if row["audience"] not in OF_A_UNIT:
            return None
        unit = row["unit"] or body["opd"]
        directory = self._directories.get(body["tenant"])
        if unit is None or directory is None:
            return "no_office"
        # In an oversight case every unit but the one that oversees may be the accused.
        if body["oversight"] and unit != directory.oversight_unit:
            return "oversight_accused"
        return None

    def asking(self, complaint_id: str) -> "Asking":
        """Return what answers for the letters of one case that go out now; it is not to be kept."""
        return Asking(self, complaint_id)

    async def reporter(self, complaint_id: str) -> Sequence[str]:
        """Return the reporter's address. Raises Unsendable, ContactsAway."""
        address = await self._contacts.email_of(complaint_id)
        if address is None:
            raise Unsendable("unreachable")
        return (address,)

    async def officials(self, body: Body, row: Row, directory: Directory) -> Sequence[str]:
        """Return the addresses of everybody else, never empty. Raises Unsendable, Busy."""
        audience = row["audience"]
        unit = (row["unit"] or body["opd"]) if audience in OF_A_UNIT else None
        standing = directory.addresses(audience, unit)
        page = await self._store.find(
            SUBSCRIPTIONS,
            "list",
            equal=(body["tenant"], list_of(audience, unit)),
            limit=PER_LIST,
        )
        subscribed = [found.body["address"] for found in page.documents if found.body is not None]
        to = tuple(dict.fromkeys((*standing, *subscribed)))
        if not to:
            raise Unsendable("no_address")
        return to


class Asking:
    """The recipients of several letters of one case: intake is asked once, whatever it answers."""

    def __init__(self, recipients: Recipients, complaint_id: str) -> None:
        self._recipients = recipients
        self._complaint_id = complaint_id
        self._reporter: Sequence[str] | Unsendable | ContactsAway | None = None

    async def of(self, body: Body, row: Row, directory: Directory) -> Sequence[str]:
        """Return the addresses, never empty. Raises Unsendable, ContactsAway, Busy."""
        if (reason := self._recipients.refusal(body, row)) is not None:
            raise Unsendable(reason)
        if row["audience"] != REPORTER:
            return await self._recipients.officials(body, row, directory)
        if self._reporter is None:
            try:
                self._reporter = await self._recipients.reporter(self._complaint_id)
            except (Unsendable, ContactsAway) as error:
                self._reporter = error
        if isinstance(self._reporter, AduanError):
            raise self._reporter
        return self._reporter
