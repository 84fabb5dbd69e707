"""Everything routing reads from outside. Built once, passed on, never imported."""

import base64
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from aduan.privacy.seal import KEY_BYTES
from aduan.settings import ServiceSettings
from aduan.web.keys import KeyRecord


class Settings(ServiceSettings):
    """Variables are ADUAN_ROUTING_<FIELD>; the engines are ADUAN_STORE and ADUAN_BUS.

    seal_key: 32 random bytes in base64, without a default: it seals the words of confidential cases.
    cookie_key: the same form, for the cookies of the officers' pages; by default the sealing key,
    from which the signing key is derived. intake_url, intake_content_key: where confidential content
    is fetched, and the key for it (scope content:read); without them it stays at intake.
    connections_refresh_seconds: how often a replica looks which units are connected.
    secure_cookies: off only where pages are served without TLS (a demo on one machine).
    waiting_shown_seconds: from which age the coordinator is shown a case whose events wait (real
    time). static_keys: who may ask beside the offices' keys, with the hash of each key.
    """

    model_config = SettingsConfigDict(env_prefix="ADUAN_ROUTING_")

    reference_dir: Path
    tenants: tuple[str, ...] = Field(default=("33.74",), min_length=1)
    seal_key: SecretStr
    cookie_key: SecretStr | None = None
    intake_url: str | None = None
    intake_content_key: SecretStr | None = None
    call_timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    tick_seconds: float = Field(default=1.0, ge=0.01, le=60)
    waiting_shown_seconds: float = Field(default=300.0, ge=0)
    connections_refresh_seconds: float = Field(default=2.0, ge=0.01, le=60)
    secure_cookies: bool = True
    static_keys: tuple[KeyRecord, ...] = Field(default=(), repr=False)

    @field_validator("seal_key", "cookie_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse anything but 32 bytes in base64."""
        if value is not None:
            _bytes(value)
        return value

    def seal_bytes(self) -> bytes:
        """Return the sealing key."""
        return _bytes(self.seal_key)

    def cookie_bytes(self) -> bytes:
        """Return the key from which cookies are signed."""
        return _bytes(self.cookie_key or self.seal_key)


def _bytes(secret: SecretStr) -> bytes:
    raw = base64.b64decode(secret.get_secret_value(), validate=True)
    if len(raw) != KEY_BYTES:
        raise ValueError("a key has 32 bytes")
    return raw
