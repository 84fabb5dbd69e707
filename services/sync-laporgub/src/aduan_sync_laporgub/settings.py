"""Everything sync-laporgub reads from outside. Built once, passed on, never imported."""

import base64
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from aduan.contracts.values import CANARY_TENANT
from aduan.privacy.seal import KEY_BYTES
from aduan.settings import ServiceSettings
from aduan.web.keys import KeyRecord

Needed = SecretStr | str | None


class Settings(ServiceSettings):
    """Variables are ADUAN_SYNC_LAPORGUB_<FIELD>; the engines are ADUAN_STORE and ADUAN_BUS.

    A partner without an address is not connected: its cases are decided `no_partner`.
    tenants: with 00.00 in it, the canary's cases are mirrored to the built-in echo.
    laporgub_url: without path. sp4n_url: the base under which `complaints/...` stands.
    intake_url: where intake's public API is; intake_portal_key: the key of the portal that inbound
    reports come in by (scope complaints:write); intake_content_key: for confidential content.
    seal_key: 32 bytes in base64, for partners' texts about confidential cases.
    doubt_seconds: how long a partner may still be storing a call that it did not answer.
    All durations are real seconds. static_keys: who may ask, with the hash of each key.
    """

    model_config = SettingsConfigDict(env_prefix="ADUAN_SYNC_LAPORGUB_")

    reference_dir: Path
    tenants: tuple[str, ...] = Field(default=("33.74",), min_length=1)

    laporgub_url: str | None = None
    laporgub_token: SecretStr | None = Field(default=None, validate_default=True)
    sp4n_url: str | None = None
    sp4n_bearer: SecretStr | None = Field(default=None, validate_default=True)
    sp4n_token: SecretStr | None = Field(default=None, validate_default=True)

    intake_url: str | None = Field(default=None, validate_default=True)
    intake_portal_key: SecretStr | None = Field(default=None, validate_default=True)
    intake_content_key: SecretStr | None = None
    seal_key: SecretStr | None = Field(default=None, validate_default=True)

    tick_seconds: float = Field(default=0.5, ge=0.01, le=60)
    call_timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    doubt_seconds: float = Field(default=30.0, ge=0, le=3600)
    laporgub_poll_seconds: float = Field(default=60.0, ge=0.05)
    sp4n_recheck_seconds: float = Field(default=10_800.0, ge=0.1)  # three hours

    static_keys: tuple[KeyRecord, ...] = Field(default=(), repr=False)

    @field_validator("laporgub_url", "sp4n_url", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        """Take an empty address for none: a line of a .env is emptied more easily than left out."""
        return value or None

    @field_validator("laporgub_token", "intake_url", "intake_portal_key")
    @classmethod
    def _for_laporgub(cls, value: Needed, info: ValidationInfo) -> Needed:
        """Refuse LaporGub's address without what belongs to it."""
        return _needed(value, with_address=info.data.get("laporgub_url"))

    @field_validator("sp4n_bearer", "sp4n_token")
    @classmethod
    def _for_sp4n(cls, value: Needed, info: ValidationInfo) -> Needed:
        """Refuse SP4N's address without what belongs to it."""
        return _needed(value, with_address=info.data.get("sp4n_url"))

    @field_validator("seal_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Refuse anything but 32 bytes in base64, and any partner without it, the echo too."""
        if value is not None:
            key_bytes(value.get_secret_value())
        address = info.data.get("laporgub_url") or info.data.get("sp4n_url")
        # The echo is a partner too, without an address.
        echo = CANARY_TENANT if CANARY_TENANT in info.data.get("tenants", ()) else None
        _needed(value, with_address=address or echo)
        return value


def key_bytes(text: str) -> bytes:
    """Return the bytes of a key. Raises ValueError for anything but 32 bytes in base64."""
    raw = base64.b64decode(text, validate=True)
    if len(raw) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return raw


def _needed(value: Needed, *, with_address: str | None) -> Needed:
    if with_address is not None and value is None:
        raise PydanticCustomError("missing", "needed with the partner's address")
    return value
