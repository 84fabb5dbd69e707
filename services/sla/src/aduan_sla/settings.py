"""Everything sla reads from outside. Built once, passed on, never imported."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from aduan.settings import ServiceSettings, scheme_of
from aduan.web.keys import KeyRecord


class Settings(ServiceSettings):
    """Variables are ADUAN_SLA_<FIELD>; the engines are ADUAN_STORE and ADUAN_BUS.

    reference_dir: the folder `reference/`. tenants: whose cases are clocked, by Kemendagri code.
    tick_seconds: real seconds between two looks at what is due. static_keys: who may ask, as JSON
    records with the hash of each key. statistics_file: where figures for dashboards are kept when this
    process counts them; only with an embedded log, for on Kafka a worker of its own counts.
    """

    model_config = SettingsConfigDict(env_prefix="ADUAN_SLA_")

    reference_dir: Path
    tenants: tuple[str, ...] = Field(default=("33.74",), min_length=1)
    tick_seconds: float = Field(default=1.0, ge=0.01, le=60)
    static_keys: tuple[KeyRecord, ...] = Field(default=(), repr=False)
    statistics_file: Path | None = None

    @model_validator(mode="after")
    def _one_process_counts(self) -> Self:
        if self.statistics_file is not None and scheme_of(self.bus) != "sqlite":
            # Replicas would each keep facts of cases that another one counts by now.
            raise ValueError("statistics_file goes with an embedded bus")
        return self
