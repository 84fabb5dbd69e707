"""The brokers: whether they answer, and whether topics and rights are what the table asks for."""

from collections.abc import Iterator, Mapping
from typing import Final

from aduan.contracts.topics import BY_NAME
from aduan.settings import BusSettings
from aduan_standalone.broker.administration import Brokers
from aduan_standalone.broker.difference import ChangeSetting, Grant, difference
from aduan_standalone.broker.shapes import RETENTION, Access, Found, Topic, Wanted
from aduan_standalone.broker.wanted import kept_days, wanted
from aduan_standalone.cli.refusal import Refusal
from aduan_standalone.doctor.findings import Finding, not_checked, ok

APPLY: Final = "`aduan topics apply`"
_REMAKE: Final = (
    "stop the services, delete the topic with Kafka's kafka-topics, then `aduan topics apply`, start"
    " them, and `aduan re-emit`: every document tells again what it told"
)
_SAFE_COPIES: Final = 3


def examine(
    settings: BusSettings, *, replication: int | None, principals: str, patience: float
) -> list[Finding]:
    """Ask the cluster. replication, principals: as for `aduan topics plan`."""
    where = "ADUAN_BUS"
    try:
        brokers = Brokers(settings, patience=patience)
        where = brokers.servers
        sizes = brokers.sizes()
    except Refusal as refusal:
        remedy = "correct ADUAN_BUS and the ADUAN_KAFKA_ variables, or start the brokers"
        rest = [not_checked(name, "no broker answers", where) for name in ("topics", "access")]
        return [Finding("connections", "error", refusal.sentence, where, remedy), *rest]
    found = [
        ok("connections", "the brokers answer", where),
        not_checked("versions", "a broker tells its release to no client", where),
        not_checked("disk", "the brokers' disks are not seen from here", where),
        not_checked("clock", "a broker tells its time to no client", where),
    ]
    try:
        have = brokers.found(list(kept_days()))
    except Refusal as refusal:
        found += _partitions(sizes, {name: topic.partitions for name, topic in BY_NAME.items()})
        reason = f"{refusal.sentence.rstrip('.')} (the deployer's may)"
        return [*found, not_checked("access", reason, where)]
    return [*found, *compare(have, wanted(have, replication=replication, principals=principals))]


def compare(have: Found, want: Wanted) -> list[Finding]:
    """Say what differs. Pure."""
    found = [*_topics(have, want)] or [
        ok("topics", f"{len(want.topics)} topics are as the table says", have.cluster)
    ]
    return [*found, *_access(have, want)]


def _topics(have: Found, want: Wanted) -> Iterator[Finding]:
    sizes = {name: topic.partitions for name, topic in have.topics.items()}
    yield from _partitions(sizes, {topic.name: topic.partitions for topic in want.topics})
    if have.brokers < _SAFE_COPIES:
        yield Finding(
            "topics", "warning",
            f"{have.brokers} brokers: each record has fewer than {_SAFE_COPIES} copies, so a lost disk"
            " or broker stops the log", have.cluster, "three brokers, then `aduan topics plan`",
        )  # fmt: skip
    for topic in want.topics:
        there = have.topics.get(topic.name)
        if there is not None and there.replication < topic.replication:
            words = (
                f"{there.replication} copies of each partition, {topic.replication} are asked for"
            )
            remedy = "Kafka's kafka-reassign-partitions makes more copies"
            yield Finding("topics", "warning", words, topic.name, remedy)
    for change in difference(have, want, may_shorten=True).changes:
        if isinstance(change, ChangeSetting) and not _keeps_longer(
            have.topics[change.topic], change
        ):
            yield _setting(change)


def _partitions(sizes: Mapping[str, int], want: Mapping[str, int]) -> Iterator[Finding]:
    """Fewer than the table is an error; more is bearable where all shared topics have the same."""
    shared = {sizes[name] for name in want if name in BY_NAME and name in sizes}
    for name, number in want.items():
        there = sizes.get(name)
        if there is None:
            yield Finding("topics", "error", "this topic does not exist", name, APPLY)
        elif there < number:
            words = f"it has {there} partitions and needs {number}: its services do not start"
            yield Finding("topics", "error", words, name, _REMAKE)
        elif there > number and name in BY_NAME and len(shared) > 1:
            words = (
                f"it has {there} partitions and other topics of a case have {min(shared)}, so the"
                " events of one case meet in several replicas"
            )
            yield Finding("topics", "error", words, name, _REMAKE)
        elif there > number:
            words = f"it has {there} partitions; the services use the first {number}"
            yield Finding("topics", "warning", words, name, _REMAKE)


def _keeps_longer(there: Topic, change: ChangeSetting) -> bool:
    old = there.keeps or there.settings.get(RETENTION)
    if change.name != RETENTION or old is None:
        return False
    return int(old) < 0 or int(old) > int(change.new)


def _setting(change: ChangeSetting) -> Finding:
    lossy = change.name in {"min.insync.replicas", "unclean.leader.election.enable", RETENTION}
    words = f"{change.name} is {change.old or 'the broker’s default'} and should be {change.new}"
    return Finding("topics", "error" if lossy else "warning", words, change.topic, APPLY)


def _access(have: Found, want: Wanted) -> Iterator[Finding]:
    if have.access is None:
        yield Finding(
            "access", "warning", "the brokers check no access lists: everybody may do everything",
            have.cluster,
            "switch an authorizer on at the brokers, then `aduan topics apply --require-acls`",
        )  # fmt: skip
        return
    compared = difference(have, want)
    missing: list[Access] = [one.access for one in compared.changes if isinstance(one, Grant)]
    for line in missing:
        yield Finding("access", "error", f"missing: {line}", line.name, APPLY)
    for line in compared.foreign_access:
        remedy = "see `aduan topics plan`; Kafka's kafka-acls takes it away if nobody needs it"
        yield Finding("access", "warning", f"not from the table: {line}", line.name, remedy)
    if not missing:
        yield ok("access", f"{len(want.access)} rights are there", have.cluster)
