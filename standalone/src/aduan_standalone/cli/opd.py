"""`aduan opd connect|disconnect|list`: units with a system of their own.

Two doors at once: the brokers with the deployer's credentials (as `aduan topics`), and routing over
HTTP with the operator's token. Everything can be said twice; the second time changes nothing.
"""

import secrets
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from aduan.contracts.opd import may_connect
from aduan.settings import BusSettings, load
from aduan_standalone.broker.units import UNIT_USER, UnitNeeds, needs_of
from aduan_standalone.cli import instance
from aduan_standalone.cli.api import Api, connected
from aduan_standalone.cli.options import Addresses, AsJson, DataDir, out, print_json
from aduan_standalone.cli.refusal import Refusal

if TYPE_CHECKING:
    from aduan_standalone.broker.administration import Brokers

opd: Final = typer.Typer(
    name="opd", help="Units with a system of their own, which read a topic.", no_args_is_help=True
)

ROUTING: Final = "User:aduan-routing"
Code = Annotated[str, typer.Argument(metavar="CODE", help="As in the directory of offices.")]
Tenant = Annotated[
    str | None,
    typer.Option("--tenant", help="Checked against the token's tenant.", show_default=False),
]
RoutingPrincipal = Annotated[
    str, typer.Option("--routing-principal", help="Who writes the topic.")
]  # fmt: skip


@opd.command("connect")
def connect(
    code: Code,
    *,
    tenant: Tenant = None,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Also replace the password of a user.")
    ] = False,
    replication: Annotated[
        int | None,
        typer.Option(
            "--replication", min=1, max=9, help="Copies of the topic.", show_default=False
        ),
    ] = None,
    routing: RoutingPrincipal = ROUTING,
    without_acls: Annotated[
        bool,
        typer.Option(
            "--without-acls", help="For a trial: also where the brokers check no access lists."
        ),
    ] = False,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """Make a unit's topic, user and access list, and let routing fill the topic."""
    with connected(instance.find(data, to)) as api:
        whose = _tenant(api, code, tenant)
        brokers = _brokers()
        have = brokers.found([])
        if have.access is None and not without_acls:
            raise Refusal(
                "The brokers check no access lists, so the unit could read everything:"
                " not connected. (--without-acls is for a trial.)"
            )
        needs = needs_of(
            whose, code, routing=routing, brokers=have.brokers, replication=replication
        )
        done: list[str] = []
        if needs.topic.name not in have.topics:
            brokers.create(needs.topic)
            brokers.settle([needs.topic.name])
            done.append(f"topic {needs.topic.name}")
        if have.access is not None:
            missing = sorted({*needs.unit_access, *needs.routing_access} - have.access)
            brokers.grant(missing)
            done += [f"access {line}" for line in missing]
        known = {one["code"] for one in _listed(api)["items"]}
        told: dict[str, Any] = api.put("routing", f"/v1/offices/{code}/connection")
        if code not in known:
            done.append("routing fills the topic")
        # last, so that no failure comes between a password and its being shown
        password = _user(brokers, needs, fresh=new_password)
        if password is not None:
            done.append(f"user {needs.user}")
    result = {
        "tenant": whose, "code": code, "topic": told["topic"], "group": told["group"],
        "user": needs.user, "password": password, "done": done,
    }  # fmt: skip
    if as_json:
        print_json(result)
        return
    for line in done:
        print(f"+ {line}")
    if not done:
        print("no change")
    print(f"topic {told['topic']}, group {told['group']}, user {needs.user}")
    if password is not None:
        print(f"password {password}")
        print("It is shown this once; --new-password makes another one.")


@opd.command("disconnect")
def disconnect(
    code: Code,
    *,
    tenant: Tenant = None,
    routing: RoutingPrincipal = ROUTING,
    data: DataDir = None,
    to: Addresses = None,
    as_json: AsJson = False,
) -> None:
    """End it: routing stops, user and rights go. The topic stays, with what is in it."""
    with connected(instance.find(data, to)) as api:
        whose = _tenant(api, code, tenant)
        was = api.delete("routing", f"/v1/offices/{code}/connection")
        brokers = _brokers()
        have = brokers.found([])
        needs = needs_of(whose, code, routing=routing, brokers=have.brokers)
        ours = {*needs.unit_access, *needs.routing_access}
        theirs = sorted(ours & (have.access or frozenset()))
        brokers.revoke(theirs)
        user = brokers.remove_user(needs.user)
    done = [
        *(["routing stopped"] if was else []),
        *(f"access {line}" for line in theirs),
        *([f"user {needs.user}"] if user else []),
    ]
    if as_json:
        print_json({"tenant": whose, "code": code, "done": done})
        return
    for line in done:
        print(f"- {line}")
    print("no change" if not done else f"The topic {needs.topic.name} is still there.")


@opd.command("list")
def show(*, data: DataDir = None, to: Addresses = None, as_json: AsJson = False) -> None:
    """List the connected units; `complete`: a snapshot taken from now on misses nothing."""
    with connected(instance.find(data, to)) as api:
        found = _listed(api)
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("code", "topic", "group", "user", "since", "complete"):
        table.add_column(heading)
    for one in found["items"]:
        user = UNIT_USER.format(tenant=found["tenant"], code=one["code"])
        complete = "yes" if one["complete"] else "not yet"
        table.add_row(
            one["code"], one["topic"], one["group"], user, one["connected_at"][:19], complete
        )
    if found["items"]:
        out().print(table)
    else:
        print("No unit is connected.")


def _listed(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get("routing", "/v1/offices/connections")
    return found


def _tenant(api: Api, code: str, wanted: str | None) -> str:
    """Return the token's tenant. Raises Refusal where it, or the unit, is not the one meant."""
    tenant = str(_listed(api)["tenant"])
    if wanted not in (None, tenant):
        raise Refusal(f"The token belongs to tenant {tenant}, not to {wanted}.")
    offices = api.get("routing", "/v1/offices")["items"]
    if code not in {one["code"] for one in offices}:
        raise Refusal(f"{code} is not in the directory of {tenant}.")
    if not may_connect(tenant, code):
        raise Refusal(f"No topic can be named after {code}: letters, digits and . _ - only.")
    return tenant


def _brokers() -> "Brokers":
    # librdkafka is heavy; no other command loads it
    from aduan_standalone.broker.administration import Brokers

    return Brokers(load(BusSettings))


def _user(brokers: "Brokers", needs: UnitNeeds, *, fresh: bool) -> str | None:
    """Make the user, or a new password of it; None where it is there and keeps its own."""
    if not fresh and brokers.has_user(needs.user):
        return None
    password = secrets.token_urlsafe(24)
    brokers.set_user(needs.user, password)
    return password
