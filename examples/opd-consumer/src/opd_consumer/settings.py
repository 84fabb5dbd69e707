"""Where everything is, from the environment."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Missing(Exception):
    """A variable is not set. The text names it."""


@dataclass(frozen=True)
class Settings:
    """What the bridge is told. kafka_ca: a PEM file; without it the line to Kafka is not encrypted."""

    kafka: str
    kafka_user: str
    kafka_password: str = field(repr=False)
    kafka_ca: str | None
    aduan_url: str
    aduan_key: str = field(repr=False)
    tenant: str
    code: str
    book: Path

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read OPD_... variables. Raises Missing."""

        def given(name: str) -> str:
            value = environment.get(f"OPD_{name}", "")
            if not value:
                raise Missing(f"OPD_{name} is not set")
            return value

        return cls(
            kafka=given("KAFKA"),
            kafka_user=given("KAFKA_USER"),
            kafka_password=given("KAFKA_PASSWORD"),
            kafka_ca=environment.get("OPD_KAFKA_CA") or None,
            aduan_url=given("ADUAN_URL").rstrip("/"),
            aduan_key=given("ADUAN_KEY"),
            tenant=given("TENANT"),
            code=given("CODE"),
            book=Path(given("BOOK")),
        )

    @property
    def topic(self) -> str:
        """The unit's topic."""
        return f"opd.{self.tenant}.{self.code}.cases"

    @property
    def group(self) -> str:
        """The one group in which the unit may read."""
        return f"opd.{self.tenant}.{self.code}"

    def kafka_options(self) -> dict[str, Any]:
        """Return what aiokafka needs to come in."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.kafka.split(","),
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.kafka_user,
            "sasl_plain_password": self.kafka_password,
        }
        if self.kafka_ca is not None:
            options["security_protocol"] = "SASL_SSL"
            options["ssl_context"] = ssl.create_default_context(cafile=self.kafka_ca)
        return options
