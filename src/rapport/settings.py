"""Frozen settings from the environment (prefix `RAPPORT_`), with the defaults of the embedded installation."""

import json
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from rapport.errors import PermanentError

CHECKOUT = Path(__file__).resolve().parents[2]
CONNECTIONS = ("shopify", "zendesk", "bluesky", "sendgrid", "smtp")
"""Vendors whose keys may stand in an Airflow connection of that name instead."""
SENDGRID_URLS = {"global": "https://api.sendgrid.com", "eu": "https://api.eu.sendgrid.com"}


class Settings(BaseSettings):
    """Everything a process needs to know. Secrets come from the environment only and are kept out of `repr`."""

    model_config = SettingsConfigDict(env_prefix="RAPPORT_", frozen=True, extra="ignore")

    project_dir: Path = CHECKOUT
    home: Path = Field(default_factory=lambda data: data["project_dir"] / ".rapport")
    environment: str = "local"
    installation_id: str = ""
    secret_key: str = Field(default="", repr=False)
    # What links are signed with; the secret key where it is not given. It may be changed, the secret key may not:
    # recipients are known by that one.
    link_key: str | None = Field(default=None, repr=False)
    link_key_previous: str | None = Field(default=None, repr=False)

    database_url: str | None = Field(default=None, repr=False)
    clock_file: Path | None = None

    shop_name: str = "The Shop"
    shop_postal_address: str = ""
    shop_url: str = "https://shop.example"
    shop_time_zone: str = "Europe/London"
    default_country: str = "GB"
    mail_from: str = "hello@shop.example"
    gateway_url: str = "http://127.0.0.1:8090"

    # What the mail provider signs and where bounces go, for `rapport preflight`. Empty: the domain of mail_from.
    dkim_selectors: Annotated[tuple[str, ...], NoDecode] = ("s1", "s2")
    dkim_domain: str = ""
    return_path_domain: str = ""
    # The DAG `deliver` runs it every six hours; a day and two hours leave time for one that is late.
    preflight_max_age_hours: float = 26.0

    # The gateway: who may read /metrics, and keys that forms on the shop's own site carry to ask for mail.
    metrics_token: str | None = Field(default=None, repr=False)
    opt_in_form_keys: Annotated[tuple[str, ...], NoDecode] = Field(default=(), repr=False)

    # What visitors do on the shop's own pages and apps (docs/web.md). Write keys name a page to the gateway and stand
    # in it for all to read. Origins: whose browsers may send, and whose addresses may come into a mail; the shop's own
    # where none is given. The category is the one of context.consent.categoryPreferences that must be true.
    web_write_keys: Annotated[tuple[str, ...], NoDecode] = Field(default=(), repr=False)
    web_origins: Annotated[tuple[str, ...], NoDecode] = ()
    web_consent_category: str = Field(default="Analytics", min_length=1)
    web_keep_days: int = Field(default=400, ge=30)

    # When Airflow pulls from the sources: five cron fields, in UTC.
    ingest_schedule: str = "7 * * * *"

    shopify_url: str | None = None
    shopify_token: str | None = Field(default=None, repr=False)
    zendesk_url: str | None = None
    zendesk_email: str | None = None
    zendesk_token: str | None = Field(default=None, repr=False)
    bluesky_url: str | None = None
    bluesky_handle: str | None = None
    bluesky_app_password: str | None = Field(default=None, repr=False)

    # Whether identity also joins records that are only probably one person. Mails speak of certain ones alone.
    identity_probabilistic: bool = True

    # People who took that many marketing mails in that many days, without an open, click or order, get no more. 0: off.
    sunset_days: int = Field(default=0, ge=0)
    sunset_mails: int = Field(default=10, ge=1)

    mail_provider: Literal["sendgrid", "smtp"] = "sendgrid"
    sendgrid_region: Literal["global", "eu"] = "global"
    sendgrid_url: str = Field(default_factory=lambda data: SENDGRID_URLS[data.get("sendgrid_region", "global")])
    sendgrid_api_key: str | None = Field(default=None, repr=False)
    sendgrid_unsubscribe_group: int | None = None
    sendgrid_ip_pool: str | None = Field(default=None, min_length=2, max_length=64)
    # The provider checks each request and sends nothing; every message then ends as failed, never as accepted.
    sendgrid_sandbox_mode: bool = False
    # The paid add-on Email Activity: evidence for mails whose events were lost.
    sendgrid_activity: bool = False
    sendgrid_webhook_public_keys: Annotated[tuple[str, ...], NoDecode] = ()
    smtp_host: str | None = None
    # Left out: the port of smtp_security, which is STARTTLS, or none for a server on this machine.
    smtp_port: int | None = None
    smtp_user: str | None = None
    smtp_password: str | None = Field(default=None, repr=False)
    smtp_security: Literal["starttls", "tls", "none"] | None = None

    @field_validator(
        "sendgrid_webhook_public_keys",
        "dkim_selectors",
        "opt_in_form_keys",
        "web_write_keys",
        "web_origins",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        """Keys may stand side by side, separated by a comma, while one replaces the other."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fill_secrets(self) -> Self:
        if not self.secret_key or not self.installation_id:
            kept = local_secrets(self.home)
            if not self.secret_key:
                object.__setattr__(self, "secret_key", kept["secret_key"])
            if not self.installation_id:
                object.__setattr__(self, "installation_id", kept["installation_id"])
        return self

    def require(self, name: str) -> str:
        """The named setting, or a PermanentError that says which variable to set."""
        value = getattr(self, name)
        if not value:
            vendor = name.partition("_")[0]
            other = f" or add the Airflow connection {vendor!r}" if vendor in CONNECTIONS else ""
            raise PermanentError(
                f"RAPPORT_{name.upper()} is not set. Put it into the environment or .env{other} "
                "(README, 'Your own data')."
            )
        return str(value)

    @property
    def link_keys(self) -> tuple[str, ...]:
        """The key that links are signed with, and the one before it, whose links are still honoured."""
        return tuple(filter(None, (self.link_key or self.secret_key, self.link_key_previous)))

    @property
    def web_shop_origins(self) -> tuple[str, ...]:
        """Scheme, host and port of the pages that events may come from, as browsers write them."""
        given = (urlsplit(url.lower()) for url in self.web_origins or (self.shop_url,))
        return tuple(f"{parts.scheme}://{parts.netloc}" for parts in given)

    @property
    def campaigns_dir(self) -> Path:
        return self.project_dir / "campaigns"

    @property
    def dbt_dir(self) -> Path:
        return self.project_dir / "dbt_project"

    @property
    def expectations_dir(self) -> Path:
        return self.project_dir / "expectations"

    @property
    def dlt_dir(self) -> Path:
        return self.home / "dlt"


def local_secrets(home: Path) -> dict[str, str]:
    """Secrets of an installation that was given none: made once, readable by its owner only."""
    path = home / "secrets.json"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        made = {
            "secret_key": secrets.token_urlsafe(48),
            "installation_id": secrets.token_hex(8),
            "database_password": secrets.token_urlsafe(24),
        }
        # A process that loses the race to create the file reads the winner's.
        part = home / f"secrets.{os.getpid()}.part"
        part.touch(mode=0o600)
        part.write_text(json.dumps(made))
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return dict(json.loads(path.read_text()))


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Settings of this process. Raises PermanentError naming each variable that does not fit."""
    try:
        return Settings(_env_file=CHECKOUT / ".env")
    except ValidationError as error:
        wrong = "; ".join(f"RAPPORT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors() if e["loc"])
        raise PermanentError(f"settings: {wrong}") from None
