"""Everything sla reads from outside. Built once, passed on, never imported."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from aduan.settings import ServiceSettings
from aduan.web.keys import KeyRecord


class Settings(ServiceSettings):
    """Variables are ADUAN_SLA_<FIELD>; the engines are ADUAN_STORE and ADUAN_BUS.

    reference_dir: the folder `reference/`. tenants: whose cases are clocked, by Kemendagri code.
    tick_seconds: real seconds between two looks at what is due. static_keys: who may ask, as JSON
    records with the hash of each key.
    """

    model_config = SettingsConfigDict(env_prefix="ADUAN_SLA_")

    reference_dir: Path
    tenants: tuple[str, ...] = Field(default=("33.74",), min_length=1)
    tick_seconds: float = Field(default=1.0, ge=0.01, le=60)
    static_keys: tuple[KeyRecord, ...] = Field(default=(), repr=False)
