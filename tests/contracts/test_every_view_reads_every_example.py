"""Each service's own narrow view reads every golden example of the topics that it handles."""

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from aduan.contracts import generate
from aduan.contracts.topics import streams_for, topics_of
from aduan.service import ServiceSpec
from aduan_intake import bootstrap as intake
from aduan_intake.settings import Settings as IntakeSettings
from aduan_notify import bootstrap as notify
from aduan_notify.settings import Settings as NotifySettings
from aduan_routing import bootstrap as routing
from aduan_routing.settings import Settings as RoutingSettings
from aduan_sla import bootstrap as sla
from aduan_sla.settings import Settings as SlaSettings
from aduan_sync_laporgub import bootstrap as sync
from aduan_sync_laporgub.settings import Settings as SyncSettings

KEY = SecretStr(base64.b64encode(b"k" * 32).decode())
COMMON: dict[str, Any] = {
    "store": "sqlite:///unused",
    "bus": "sqlite:///unused",
    "reference_dir": Path(__file__).parents[2] / "reference",
}


def specs() -> list[ServiceSpec]:
    """The five services as their bootstraps make them."""
    return [
        intake.spec(IntakeSettings(**COMMON, vault_key=KEY)),
        routing.spec(RoutingSettings(**COMMON, seal_key=KEY)),
        sla.spec(SlaSettings(**COMMON)),
        sync.spec(SyncSettings(**COMMON)),
        notify.spec(
            NotifySettings(
                **COMMON,
                public_url="http://127.0.0.1:1",
                intake_url="http://127.0.0.1:1",
                intake_token=KEY,
                smtp_host="127.0.0.1",
                smtp_port=25,
            )
        ),
    ]


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.name)
def test_every_golden_example_is_readable(spec: ServiceSpec) -> None:
    """A view that asks for more than the smallest event has would dead-letter it."""
    read = 0
    for topic in topics_of(*streams_for(spec.name)):
        handler = spec.handlers.get(topic.name)
        for path in sorted((generate.HERE / "examples").glob(f"{topic.name}.v1.*.json")):
            if handler is not None:
                handler.view.model_validate_json(path.read_bytes())
                read += 1
    assert read >= 4


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.name)
def test_a_service_handles_only_topics_that_it_consumes(spec: ServiceSpec) -> None:
    """The table says who reads what."""
    consumed = {topic.name for topic in topics_of(*streams_for(spec.name))}

    assert set(spec.handlers) <= consumed
