"""Everything intake reads from outside. Built once, passed on, never imported."""

import base64
import binascii
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from aduan.settings import ServiceSettings, Tenants
from aduan.web.keys import KeyRecord


class Settings(ServiceSettings):
    """Variables are ADUAN_INTAKE_<FIELD>; the engines are ADUAN_STORE and ADUAN_BUS.

    vault_key: 32 random bytes in base64, without a default: whoever loses it loses every identity,
    whoever has it can open them. reference_dir: the folder `reference/`. tenants: whose complaints
    are taken; the pages serve the citizens of the first. static_keys: service and operator keys, as
    JSON records with the hash of each. form_posts_per_hour: how many forms one address may send to
    the pages; many people may share one. max_pending: with so many events not yet in the log, new
    complaints are answered 503.
    """

    model_config = SettingsConfigDict(env_prefix="ADUAN_INTAKE_")

    vault_key: SecretStr
    reference_dir: Path
    tenants: Tenants = ("33.74",)
    static_keys: tuple[KeyRecord, ...] = Field(default=(), repr=False)
    form_posts_per_hour: int = Field(default=600, ge=1)
    max_pending: int = Field(default=100_000, ge=1)

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            raw = base64.b64decode(self.vault_key.get_secret_value(), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("vault_key is not base64") from None
        if len(raw) != 32:
            raise ValueError("vault_key has not 32 bytes")
        return self

    def vault_bytes(self) -> bytes:
        """Return the vault key."""
        return base64.b64decode(self.vault_key.get_secret_value())
