"""What has to be done so that a cluster has what is wanted, and what will not be done. No I/O.

Nothing here takes anything away: a topic, a setting or an access list that is nobody's is remarked
on, and what would lose records or tear cases apart is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aduan.contracts.topics import BY_NAME
from aduan_standalone.broker.shapes import RETENTION, Access, Found, Topic, Wanted

# The units' own topics and users: `aduan opd` makes and lists them.
UNITS: Final = "opd."
INTERNAL: Final = "__"
FOR_EVER: Final = -1


@dataclass(frozen=True, slots=True)
class CreateTopic:
    """Make a topic with all its settings."""

    topic: Topic

    def __str__(self) -> str:
        """As a person reads it."""
        settings = ", ".join(f"{name}={value}" for name, value in self.topic.settings.items())
        size = f"partitions={self.topic.partitions}, replication={self.topic.replication}"
        return f"+ topic {self.topic.name}: {size}, {settings}"

    def as_json(self) -> dict[str, Any]:
        """As a script reads it."""
        return {
            "do": "create_topic",
            "topic": self.topic.name,
            "partitions": self.topic.partitions,
            "replication": self.topic.replication,
            "settings": dict(self.topic.settings),
        }


@dataclass(frozen=True, slots=True)
class ChangeSetting:
    """Change one setting of a topic. old: None where the broker's own default ruled."""

    topic: str
    name: str
    old: str | None
    new: str

    def __str__(self) -> str:
        """As a person reads it."""
        return f"~ topic {self.topic}: {self.name} {self.old or '(default)'} -> {self.new}"

    def as_json(self) -> dict[str, Any]:
        """As a script reads it."""
        return {
            "do": "set", "topic": self.topic, "name": self.name, "old": self.old, "new": self.new,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grant:
    """Add one line to an access list."""

    access: Access

    def __str__(self) -> str:
        """As a person reads it."""
        return f"+ access {self.access}"

    def as_json(self) -> dict[str, Any]:
        """As a script reads it."""
        access = self.access
        return {
            "do": "grant", "principal": access.principal, "operation": access.operation,
            "kind": access.kind, "name": access.name,
        }  # fmt: skip


Change = CreateTopic | ChangeSetting | Grant


@dataclass(frozen=True, slots=True)
class Difference:
    """Have against want.

    refused: sentences; while there is one, nothing should be done. unknown_topics, foreign_access:
    what is there, near ours, and not from the table. unenforced: rights that no authorizer checks.
    """

    changes: tuple[Change, ...]
    refused: tuple[str, ...]
    unknown_topics: tuple[str, ...]
    foreign_access: tuple[Access, ...]
    unenforced: tuple[Access, ...]


def difference(have: Found, want: Wanted, *, may_shorten: bool = False) -> Difference:
    """Compare. may_shorten: whether records may be kept for a shorter time than now."""
    changes: list[Change] = []
    refused: list[str] = []
    copies = max((t.replication for t in want.topics if t.name not in have.topics), default=0)
    if copies > have.brokers:
        refused.append(f"Topics cannot be made with {copies} copies: brokers now: {have.brokers}.")
    for topic in want.topics:
        there = have.topics.get(topic.name)
        if there is None:
            changes.append(CreateTopic(topic))
        else:
            refused += _refusals(there, topic, may_shorten=may_shorten)
            changes += _settings(there, topic)
    if have.access is not None:
        changes += [Grant(line) for line in sorted(want.access - have.access)]
    known = {topic.name for topic in want.topics}
    return Difference(
        changes=tuple(changes),
        refused=tuple(refused),
        unknown_topics=tuple(
            sorted(n for n in have.topics if n not in known and not n.startswith((UNITS, INTERNAL)))
        ),
        foreign_access=tuple(sorted(_foreign(have, want))),
        unenforced=tuple(sorted(want.access)) if have.access is None else (),
    )


def _settings(there: Topic, topic: Topic) -> Iterator[ChangeSetting]:
    for name, value in topic.settings.items():
        old = there.settings.get(name)
        if old != value:
            yield ChangeSetting(topic.name, name, old, value)


def _refusals(there: Topic, topic: Topic, *, may_shorten: bool) -> Iterator[str]:
    name = topic.name
    if there.partitions > topic.partitions:
        yield (
            f"{name} has {there.partitions} partitions and should have {topic.partitions}:"
            " partitions cannot be taken away."
        )
    elif there.partitions != topic.partitions:
        why = (
            "every case document keeps the number of its partition"
            if name in BY_NAME
            else "what is in the topic would lose its order"
        )
        yield (
            f"{name} has {there.partitions} partitions and should have {topic.partitions}: {why},"
            " so the number stays as it was made."
        )
    if there.replication > topic.replication:
        yield (
            f"{name} has {there.replication} copies and should have {topic.replication}:"
            " copies are not taken away here."
        )
    elif there.replication < topic.replication:
        yield (
            f"{name} has {there.replication} copies and should have {topic.replication}: Kafka's"
            f" own kafka-reassign-partitions makes more; --replication {there.replication} leaves"
            " it so."
        )
    old, new = there.keeps or there.settings.get(RETENTION), topic.settings[RETENTION]
    if old is not None and not may_shorten and _shorter(int(new), int(old)):
        yield (
            f"{name} keeps records for {old} ms and should keep them for {new} ms: the broker would"
            " delete the older ones, which needs --shorten-retention."
        )


def _shorter(new: int, old: int) -> bool:
    return new != FOR_EVER and (old == FOR_EVER or new < old)


def _foreign(have: Found, want: Wanted) -> Iterator[Access]:
    """Yield lines about our topics, groups or principals that the table does not ask for."""
    resources = {(line.kind, line.name) for line in want.access}
    resources |= {("topic", topic.name) for topic in want.topics}
    for line in (have.access or frozenset()) - want.access:
        if line.pattern == "LITERAL" and line.name.startswith(UNITS):
            continue
        ours = any(line.covers(kind, name) for kind, name in resources) or _of_many_units(line)
        if ours or line.principal in want.principals:
            yield line


def _of_many_units(line: Access) -> bool:
    """Whether a line reaches the topics or groups of several units: rights of theirs are LITERAL."""
    return line.pattern == "PREFIXED" and line.kind != "other" and line.name.startswith(UNITS)
