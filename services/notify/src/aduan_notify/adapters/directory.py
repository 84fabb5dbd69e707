"""One tenant as reference data tells it: offices and their addresses, letters, inlets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from aduan.clock import WIB, parse_iso
from aduan.contracts.values import Audience
from aduan.storage.port import Body
from aduan.web.pages.words import day_in_words
from aduan_notify.adapters.letters import Letters
from aduan_notify.adapters.rows import BadReference, Part, Shape, read, table, toml
from aduan_notify.adapters.words import due_in_words
from aduan_notify.domain.address import is_address, is_ours_to_write
from aduan_notify.domain.ledger import Row

MAIL: Final = "templates/mail.toml"


class _Emergency(Part):
    sentence: str


class _Tenant(Part):
    code: str
    name: str
    coordinator: str
    oversight: str
    emergency: _Emergency


class _Mail(Shape):
    sender_name: str = Field(min_length=1, max_length=80)
    sender: str
    brand: str
    no_unit: str
    leadership: tuple[str, ...] = Field(min_length=1)
    head_mailbox: str = Field(pattern=r"\{mailbox\}")
    heads: Mapping[str, str] = Field(default_factory=dict)
    clocks: Mapping[str, str]
    partners: Mapping[str, str]
    layout: Mapping[str, str]


class _Office(Part):
    code: str
    name: str
    mail: str


class _Inlet(Part):
    label: str
    address: str
    official: str
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything about one tenant that a letter needs. Build it with `load_directory`."""

    tenant: _Tenant
    mail: _Mail
    offices: Mapping[str, _Office]
    inlets: Sequence[_Inlet]
    letters: Letters

    @property
    def oversight_unit(self) -> str:
        """The only unit that may hear of a case "berkadar pengawasan"."""
        return self.tenant.oversight

    @property
    def sender(self) -> tuple[str, str]:
        """Name and address of who writes."""
        return self.mail.sender_name, self.mail.sender

    @property
    def message_domain(self) -> str:
        """What stands after the @ of every Message-ID."""
        return self.mail.sender.rpartition("@")[2]

    def knows(self, unit: str) -> bool:
        """Whether an office of this code exists."""
        return unit in self.offices

    def name_of(self, unit: str) -> str:
        """Return the name of an office, its code where the directory does not list it."""
        office = self.offices.get(unit)
        return office.name if office is not None else unit

    def addresses(self, audience: Audience, unit: str | None) -> Sequence[str]:
        """Return the standing addresses of officials; empty for an office that is not listed."""
        if audience == "leadership":
            return self.mail.leadership
        office = self.offices.get(
            self.tenant.coordinator if audience == "coordinator" else unit or ""
        )
        if office is None:
            return ()
        if audience != "office_head":
            return (office.mail,)
        mailbox, _, domain = office.mail.partition("@")
        head = f"{self.mail.head_mailbox.replace('{mailbox}', mailbox)}@{domain}"
        return (self.mail.heads.get(office.code, head),)

    def write(self, body: Body, row: Row, *, public_url: str, now: datetime) -> tuple[str, str]:
        """Return subject and text of a row's letter, as the case is now. now: domain time."""
        facts = row["facts"]
        unit = facts.get("unit") or row["unit"] or body["opd"]
        on = facts.get("follow_up_on")
        known: dict[str, Any] = {
            "brand": self.mail.brand,
            "city": self.tenant.name,
            "ticket": body["ticket"],
            "received_on": day_in_words(body["received_at"]),
            "unit": self.name_of(unit) if unit else self.mail.no_unit,
            "track_url": f"{public_url}/lacak/{body['ticket']}",
            "desk_url": f"{public_url}/meja",
            "clock": self.mail.clocks.get(facts.get("clock", ""), facts.get("clock", "")),
            "due_at": due_in_words(parse_iso(facts["due_at"])) if "due_at" in facts else "",
            "level": facts.get("level", 0),
            "follow_up_on": day_in_words(on) if on else "",
            "follow_up_year": str(facts.get("follow_up_year", "")),
            "partner": self.mail.partners.get(facts.get("partner", ""), ""),
            "emergency": self.tenant.emergency.sentence,
            "inlets": self._inlets(now.astimezone(WIB).date()),
        }
        hidden = bool(body["confidential"] or body["oversight"])
        return self.letters.write(row["cause"], row["audience"], known, confidential=hidden)

    def _inlets(self, on: date) -> Sequence[Mapping[str, str]]:
        return [
            {"label": inlet.label, "address": inlet.address}
            for inlet in self.inlets
            if inlet.official == "yes"
            and inlet.valid_from <= on
            and (inlet.valid_to is None or on <= inlet.valid_to)
        ]


def load_directory(reference_dir: Path, tenant: str) -> Directory:
    """Return a tenant's directory, every address and every letter checked. Raises BadReference."""
    folder = reference_dir / "tenants" / tenant
    if not folder.is_dir():
        raise BadReference(f"there is no reference data for tenant {tenant}")
    who = read(_Tenant, toml(folder / "tenant.toml"), "tenant.toml")
    mail = read(_Mail, toml(folder / MAIL), MAIL)
    offices = [read(_Office, row, "offices.csv") for row in table(folder / "offices.csv")]
    inlets = [
        read(_Inlet, {**row, "valid_to": row.get("valid_to") or None}, "inlets.csv")
        for row in table(folder / "inlets.csv")
    ]
    if missing := {"citizen", "official"} - mail.layout.keys():
        raise BadReference(f"{MAIL}: layout.{min(missing)} is missing")
    found = Directory(
        tenant=who,
        mail=mail,
        offices={office.code: office for office in offices},
        inlets=inlets,
        letters=Letters(folder / "templates" / "letters", mail.layout),
    )
    _check(found)
    return found


def _check(directory: Directory) -> None:
    mail = directory.mail
    if not is_ours_to_write(mail.sender_name):
        raise BadReference(f"{MAIL}: sender_name cannot stand in a mail")
    for unit in (directory.tenant.coordinator, directory.tenant.oversight):
        if not directory.knows(unit):
            raise BadReference(f"tenant.toml names the office {unit}, which offices.csv lacks")
    if unknown := sorted(mail.heads.keys() - directory.offices.keys()):
        raise BadReference(f"{MAIL}: heads: there is no office {unknown[0]}")
    used = [("sender", mail.sender), *(("leadership", one) for one in mail.leadership)]
    for code in directory.offices:
        used += [(code, one) for one in directory.addresses("office", code)]
        used += [(f"head of {code}", one) for one in directory.addresses("office_head", code)]
    for whose, address in used:
        if not is_address(address):
            raise BadReference(f"{whose}: the mail address is not well-formed")
