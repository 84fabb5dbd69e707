"""`aduan topics plan|apply`: makes the cluster what the topics table says. Never takes anything away.

Exit codes: 0 nothing to do, or done; 1 `plan` found something to do, or the brokers said no; 2
refused. Credentials are the deployer's own, by the names that the services use: ADUAN_BUS,
ADUAN_KAFKA_USERNAME, ADUAN_KAFKA_PASSWORD, ADUAN_KAFKA_TLS, ADUAN_KAFKA_CA_FILE.
"""

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from aduan.settings import BusSettings, load
from aduan_standalone.broker.difference import CreateTopic, Difference, difference
from aduan_standalone.broker.wanted import PRINCIPALS, kept_days, wanted
from aduan_standalone.cli.options import AsJson, print_json
from aduan_standalone.cli.refusal import FAILED, Refusal

if TYPE_CHECKING:
    from aduan_standalone.broker.administration import Brokers

topics: Final = typer.Typer(
    name="topics", help="The cluster's topics and who may use them.", no_args_is_help=True
)

Replication = Annotated[
    int | None,
    typer.Option(
        "--replication", min=1, max=9, show_default=False,
        help="Copies of each partition; else three, or as many as there are brokers.",
    ),
]  # fmt: skip
Principals = Annotated[
    str, typer.Option("--principals", help="How the services are called; has {service} in it.")
]
RequireAcls = Annotated[
    bool, typer.Option("--require-acls", help="Refuse a cluster that checks no access lists.")
]
Shorten = Annotated[
    bool,
    typer.Option(
        "--shorten-retention", help="Let records be deleted earlier than now, if the table says so."
    ),
]


@topics.command("plan")
def plan(
    *,
    replication: Replication = None,
    principals: Principals = PRINCIPALS,
    require_acls: RequireAcls = False,
    shorten_retention: Shorten = False,
    as_json: AsJson = False,
) -> None:
    """Show what `apply` would do, and do nothing; exit code 1 when there is something."""
    _, found = _compare(
        replication, principals, require_acls=require_acls, may_shorten=shorten_retention
    )
    _show(found, as_json=as_json, applied=False)
    if found.refused:
        raise typer.Exit(2)
    if found.changes:
        raise typer.Exit(1)


@topics.command("apply")
def apply(
    *,
    replication: Replication = None,
    principals: Principals = PRINCIPALS,
    require_acls: RequireAcls = False,
    shorten_retention: Shorten = False,
    as_json: AsJson = False,
) -> None:
    """Show what is to do, then do it. Does nothing at all where a part is refused."""
    brokers, found = _compare(
        replication, principals, require_acls=require_acls, may_shorten=shorten_retention
    )
    if not as_json or found.refused:
        _show(found, as_json=as_json, applied=False)
    if found.refused:
        raise typer.Exit(2)
    for done, change in enumerate(found.changes):
        try:
            brokers.do(change)
        except Refusal as refusal:
            # what was done stays; the next `apply` sees it and goes on
            raise Refusal(
                f"{refusal.sentence} ({done} of {len(found.changes)} changes were made)",
                code=FAILED,
            ) from None
    brokers.settle([each.topic.name for each in found.changes if isinstance(each, CreateTopic)])
    if as_json:
        _show(found, as_json=True, applied=True)
    elif found.changes:
        print(f"done: {len(found.changes)} changes.")


def _compare(
    replication: int | None, principals: str, *, require_acls: bool, may_shorten: bool
) -> tuple["Brokers", Difference]:
    if "{service}" not in principals or not principals.startswith("User:"):
        raise Refusal("--principals is a pattern such as User:aduan-{service}.")
    # librdkafka is heavy; no other command loads it
    from aduan_standalone.broker.administration import Brokers

    brokers = Brokers(load(BusSettings))
    have = brokers.found(list(kept_days()))
    if require_acls and have.access is None:
        raise Refusal("The brokers check no access lists (no authorizer), and --require-acls asks.")
    want = wanted(have, replication=replication, principals=principals)
    return brokers, difference(have, want, may_shorten=may_shorten)


def _show(found: Difference, *, as_json: bool, applied: bool) -> None:
    if as_json:
        print_json(_as_json(found, applied=applied))
        return
    for change in found.changes:
        print(change)
    if not found.changes and not found.refused:
        print("no change")
    for name in found.unknown_topics:
        print(f"? topic {name}: not from the table, left alone")
    for line in found.foreign_access:
        print(f"? access {line}: not from the table, left alone")
    if found.unenforced:
        print(
            f"? {len(found.unenforced)} access lines are not enforced: the brokers have no"
            " authorizer, so everybody may do everything"
        )
        for line in found.unenforced:
            print(f"  {line}")
    for sentence in found.refused:
        sys.stderr.write(f"aduan: {sentence}\n")


def _as_json(found: Difference, *, applied: bool) -> dict[str, Any]:
    return {
        "changes": [change.as_json() for change in found.changes],
        "refused": list(found.refused),
        "unknown_topics": list(found.unknown_topics),
        "foreign_access": [str(line) for line in found.foreign_access],
        "access_enforced": not found.unenforced,
        "unenforced_access": [str(line) for line in found.unenforced],
        "applied": applied,
    }
