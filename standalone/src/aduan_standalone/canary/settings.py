"""What the canary's own process reads from outside."""

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """ADUAN_CANARY_PORTAL_KEY posts, ADUAN_CANARY_READ_KEY looks; `aduan canary --new-keys` makes both.

    Secrets, so they are on no command line. Everything else is an option of `aduan canary`.
    """

    model_config = SettingsConfigDict(
        env_prefix="ADUAN_CANARY_", frozen=True, hide_input_in_errors=True, extra="ignore"
    )

    portal_key: SecretStr
    read_key: SecretStr
