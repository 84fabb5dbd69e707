"""Writes everything that follows from the topics table and the models; `--check` only compares.

    python -m aduan.contracts.generate [--check] [--release]

schemas/       the JSON Schema of each event, as it is now
released/      the schemas of the last release, moved only by --release; the gate compares with them
examples/      golden examples
docs/events.md, docs/asyncapi.json
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from aduan.contracts.compatibility import breaking_changes
from aduan.contracts.events import DATA_LIMIT
from aduan.contracts.examples import CASE_ID, EXAMPLES, UNIT_EXAMPLES
from aduan.contracts.opd import UNIT_EVENT_TYPE, UNIT_KEPT_DAYS, UNIT_TOPIC, UnitRecord
from aduan.contracts.topics import STATISTICS, TOPICS, Topic

HERE: Final = Path(__file__).parent
DOCS: Final = Path("docs")
VERSION: Final = "0.1.0"
UNIT: Final = "opd.case"


def schema_of(topic: Topic) -> dict[str, Any]:
    """Return the JSON Schema of what a topic carries, as written."""
    return _schema(topic.event)


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of everything that is written into a topic, by its name."""
    return {topic.name: schema_of(topic) for topic in TOPICS} | {UNIT: _schema(UnitRecord)}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(by_alias=True, mode="serialization")


def files() -> dict[Path, str]:
    """Return every generated file with its content."""
    made: dict[Path, str] = {}
    examples: dict[str, Mapping[str, BaseModel]] = {**EXAMPLES, UNIT: UNIT_EXAMPLES}
    for topic, schema in schemas().items():
        made[HERE / "schemas" / f"{topic}.v1.json"] = _json(schema)
        for name, example in examples[topic].items():
            made[HERE / "examples" / f"{topic}.v1.{name}.json"] = _json(example_data(example))
    made[DOCS / "events.md"] = _events_page()
    made[DOCS / "asyncapi.json"] = _json(_asyncapi())
    return made


def example_data(example: BaseModel) -> Any:
    """Return an example's data exactly as it is published."""
    return json.loads(example.model_dump_json(by_alias=True, exclude_none=True))


def broken_promises() -> list[str]:
    """Return what breaks readers of the last release."""
    found: list[str] = []
    for topic, schema in schemas().items():
        path = HERE / "released" / f"{topic}.v1.json"
        if path.exists():
            changes = breaking_changes(json.loads(path.read_text()), schema)
            found += [f"{topic}.v1: {change}" for change in changes]
    return found


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def _events_page() -> str:
    lines = [
        "# Events",
        "",
        "Generated from `aduan.contracts` by `python -m aduan.contracts.generate`. CloudEvents 1.0,",
        "Kafka binary mode: attributes in `ce_` headers, JSON data of at most"
        f" {DATA_LIMIT // 1024} KB in the value, key = complaint id.",
        "",
        "Envelope: `ce_id`, `ce_source` `/aduan/<tenant>/<service>`, `ce_type`, `ce_subject`"
        " (complaint id), `ce_time` (when the fact occurred), `ce_dataschema`, `ce_tenant`,"
        " `ce_stream`, `ce_seq` (gap-free per case and stream, from 1), `ce_causationid`,"
        " `ce_correlationid`, `ce_traceparent`.",
        "",
        "| topic | stream | written by | read by | partitions | kept | why |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{topic.name}` | {topic.stream} | {topic.producer} | {', '.join(topic.consumers)}"
        f" | {topic.partitions} | {topic.retention.days} days | {topic.reason} |"
        for topic in TOPICS
    ]
    beside = ", ".join(f"`{name}`" for name in STATISTICS.topics)
    lines += [
        "",
        f"Beside the services the worker of the {STATISTICS.name} reads {beside}, and keeps its table"
        f" in `{STATISTICS.changelog}` ([ADR 9](adr/0009-statistics-merge-facts.md)).",
    ]
    for topic in TOPICS:
        head = f"Type `{topic.event_type}`. {_first(topic.event)}"
        lines += _section(topic.name, head, topic.event, EXAMPLES[topic.name])
    head = (
        f"Type `{UNIT_EVENT_TYPE}`, one topic for each connected unit, outside the streams; written"
        f" by routing, kept {UNIT_KEPT_DAYS} days, see [opd.md](opd.md). The envelope is that of the"
        f" event it shows, with its `ce_id` and `ce_seq`. {_first(UnitRecord)}"
    )
    name = UNIT_TOPIC.replace("{", "<").replace("}", ">")
    lines += _section(name, head, UnitRecord, UNIT_EXAMPLES)
    return "\n".join(lines) + "\n"


def _section(
    name: str, head: str, model: type[BaseModel], examples: Mapping[str, BaseModel]
) -> list[str]:
    schema = _schema(model)
    lines = ["", f"## `{name}`", "", head]
    lines += ["", "| field | always | type |", "|---|---|---|"]
    required = set(schema.get("required", ()))
    for field_name, field in schema["properties"].items():
        always = "yes" if field_name in required and not _nullable(field) else ""
        lines.append(f"| `{field_name}` | {always} | {_type(field)} |")
    return [
        *lines, "", "```json", _json(example_data(list(examples.values())[-1])).rstrip(), "```",
    ]  # fmt: skip


def _first(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def _nullable(field: dict[str, Any]) -> bool:
    return any(option.get("type") == "null" for option in field.get("anyOf", ()))


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in field:
        kinds = [_type(option) for option in field["anyOf"] if option.get("type") != "null"]
        return " or ".join(kinds)
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("format") or field.get("type") or "any")


def _asyncapi() -> dict[str, Any]:
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    shapes: dict[str, Any] = {}
    for topic in TOPICS:
        key = topic.name.replace(".", "_")
        schema = schema_of(topic)
        shapes |= schema.pop("$defs", {})
        shapes[topic.event.__name__] = schema
        messages[key] = {
            "name": topic.event_type,
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/Envelope"},
            "payload": {"$ref": f"#/components/schemas/{topic.event.__name__}"},
            "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}}},
        }
        channels[key] = {
            "address": topic.name,
            "description": topic.reason,
            "messages": {key: {"$ref": f"#/components/messages/{key}"}},
            "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions}},
        }
        operations[f"{topic.producer}_sends_{key}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
        }
    schema = _schema(UnitRecord)
    shapes |= schema.pop("$defs", {})
    shapes[UnitRecord.__name__] = schema
    messages["opd_cases"] = {
        "name": UNIT_EVENT_TYPE,
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Envelope"},
        "payload": {"$ref": f"#/components/schemas/{UnitRecord.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}}},
    }
    channels["opd_cases"] = {
        "address": UNIT_TOPIC,
        "description": "What one connected unit sees of its cases; no other unit may read it.",
        "parameters": {
            "tenant": {"description": "Kemendagri code of the government."},
            "code": {"description": "Code of the unit in its directory."},
        },
        "messages": {"opd_cases": {"$ref": "#/components/messages/opd_cases"}},
        "bindings": {"kafka": {"partitions": 1}},
    }
    operations["routing_sends_opd_cases"] = {
        "action": "send",
        "channel": {"$ref": "#/channels/opd_cases"},
    }
    shapes["Envelope"] = _envelope()
    text = json.dumps(
        {
            "asyncapi": "3.0.0",
            "info": {"title": "Aduan events", "version": VERSION},
            "defaultContentType": "application/json",
            "channels": channels,
            "operations": operations,
            "components": {"messages": messages, "schemas": shapes},
        }
    )
    moved: dict[str, Any] = json.loads(text.replace("#/$defs/", "#/components/schemas/"))
    return moved


def _envelope() -> dict[str, Any]:
    names = (
        "id source type subject time dataschema tenant stream seq causationid correlationid"
        " traceparent"
    ).split()
    properties = {f"ce_{name}": {"type": "string"} for name in names}
    properties["ce_subject"] = {"type": "string", "format": "uuid", "examples": [CASE_ID]}  # type: ignore[dict-item]
    return {"type": "object", "properties": properties, "required": list(properties)}


def main(arguments: list[str] | None = None) -> int:
    """Write or compare; return 1 when a file is not current or a promise is broken."""
    parser = argparse.ArgumentParser(description="Generate the contracts.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    parser.add_argument("--release", action="store_true", help="move the released schemas")
    options = parser.parse_args(arguments)
    stale = []
    for path, content in files().items():
        if options.check:
            if not path.exists() or path.read_text() != content:
                stale.append(f"not current: {path.name}")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    if options.release:
        for topic, schema in schemas().items():
            path = HERE / "released" / f"{topic}.v1.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_json(schema))
    problems = stale + broken_promises()
    for problem in problems:
        sys.stderr.write(problem + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
