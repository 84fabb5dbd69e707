"""`aduan key`: a key between services or for an operator, and the record that a service is given.

Nothing is stored and nobody is asked: the key goes into the settings of who uses it, the record
(which holds only a hash) into ADUAN_<SERVICE>_STATIC_KEYS of who is asked.
"""

import json
from datetime import timedelta
from typing import Annotated, Any, cast

import typer

from aduan.clock import SystemClock, iso
from aduan.web.key_records import SCOPES, KeyRecord, Scope, make_key
from aduan_standalone.cli.options import AsJson, print_json
from aduan_standalone.cli.refusal import Refusal


def key(
    *,
    scope: Annotated[
        list[str], typer.Option("--scope", help="What it may do (repeatable); `all` is everything.")
    ],
    tenant: Annotated[str, typer.Option("--tenant", help="Kemendagri code.")] = "33.74",
    portal: Annotated[
        str | None, typer.Option("--portal", help="The portal it writes for.", show_default=False)
    ] = None,
    opd: Annotated[
        str | None, typer.Option("--opd", help="The office it is bound to.", show_default=False)
    ] = None,
    days: Annotated[
        int | None,
        typer.Option("--days", min=1, help="It expires after so many.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and its record, for settings. The key is shown this once and kept nowhere."""
    scopes = sorted(SCOPES) if scope == ["all"] else scope
    if strange := sorted(set(scopes) - SCOPES):
        raise Refusal(f"{strange[0]} is no scope; they are {', '.join(sorted(SCOPES))}.")
    expires = None if days is None else SystemClock().wall() + timedelta(days=days)
    text, record = make_key(
        tenant=tenant,
        scopes=cast("list[Scope]", scopes),
        portal=portal,
        opd=opd,
        expires_at=expires,
    )
    if as_json:
        print_json({"key": text, "record": as_setting(record)})
        return
    print(f"key     {text}")
    print(f"record  {json.dumps(as_setting(record))}")


def as_setting(record: KeyRecord) -> dict[str, Any]:
    """Return a record as ADUAN_<SERVICE>_STATIC_KEYS holds it, without what is not bound."""
    whole: dict[str, Any] = {
        "key_id": record.key_id,
        "hash": record.hash,
        "tenant": record.tenant,
        "scopes": sorted(record.scopes),
        "portal": record.portal,
        "opd": record.opd,
        "expires_at": None if record.expires_at is None else iso(record.expires_at),
    }
    return {name: value for name, value in whole.items() if value is not None}
