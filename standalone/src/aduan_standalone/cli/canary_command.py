"""`aduan canary`: synthetic complaints against any installation, over HTTP alone."""

import json
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from aduan.clock import iso
from aduan.settings import load
from aduan_standalone.cli import instance
from aduan_standalone.cli.options import AsJson, out, print_json
from aduan_standalone.cli.refusal import Refusal

DEFAULT_PORT: Final = 9180


def canary(
    *,
    to: Annotated[
        list[str] | None,
        typer.Option(
            "--to",
            help="Address of the installation, or service=URL for each (repeatable). The keys come"
            " from ADUAN_CANARY_PORTAL_KEY and ADUAN_CANARY_READ_KEY.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", min=1, max=3600, help="Seconds between two complaints.")
    ] = 60.0,
    within: Annotated[
        float, typer.Option("--within", min=1, max=3600, help="Seconds in which a step must come.")
    ] = 60.0,
    host: Annotated[str, typer.Option("--host", help="Address of /metrics.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of /metrics.")] = (
        DEFAULT_PORT
    ),
    once: Annotated[
        bool,
        typer.Option("--once", help="Send one, say how it went, and end (1 unless all is ok)."),
    ] = False,
    new_keys: Annotated[
        bool,
        typer.Option("--new-keys", help="Print a new pair of keys and what services must know."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Send a synthetic complaint of tenant 00.00 every minute and count how far each one comes."""
    if new_keys:
        _print_keys()
        return
    if not to:
        raise Refusal("Name the installation: --to URL, or --to service=URL for each.")
    from aduan_standalone.canary import process
    from aduan_standalone.canary.settings import Settings

    target = instance.Instance(instance.addresses(to), "")
    keys = load(Settings)
    options = process.Options(
        urls={name: target.url_of(name) for name in instance.SERVICES},
        portal_key=keys.portal_key.get_secret_value(),
        read_key=keys.read_key.get_secret_value(),
        every_seconds=every,
        within_seconds=within,
        host=host,
        port=port,
    )
    if not once:
        process.serve(options)
        return
    result = process.fly_once(options)
    if as_json:
        print_json({step: asdict(passed) for step, passed in result.items()})
    else:
        for step, passed in result.items():
            took = "" if passed.seconds is None else f"  {passed.seconds:.2f} s"
            out().print(f"{step:14}{passed.outcome}{took}")
    if any(passed.outcome != "ok" for passed in result.values()):
        raise typer.Exit(1)


def _print_keys() -> None:
    """Print lines for an environment file; the records hold hashes, the two keys are secrets."""
    from aduan_standalone.canary.keys import new_keys

    made = new_keys()
    print(f"ADUAN_CANARY_PORTAL_KEY={made.portal}")
    print(f"ADUAN_CANARY_READ_KEY={made.reader}")
    for service, records in made.records.items():
        listed: list[dict[str, Any]] = [
            {
                **asdict(record),
                "scopes": sorted(record.scopes),
                "expires_at": iso(record.expires_at) if record.expires_at is not None else None,
            }
            for record in records
        ]
        name = service.upper().replace("-", "_")
        print(f"# to be added to ADUAN_{name}_STATIC_KEYS: {json.dumps(listed)}")
