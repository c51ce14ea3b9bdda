"""Who must not be written to, made the same here and at the provider."""

from rapport.clock import Clock
from rapport.settings import Settings


def sync_suppressions(settings: Settings, clock: Clock) -> str:
    """Synchronises the provider's lists, then suppresses who has long gone quiet; returns one line with the counts.
    Raises as `sync_provider_lists` and `sunset`; both only add, so it may be repeated at any time."""
    # A task parses its DAG file first, and delivery brings the mail clients along.
    from rapport.delivery.suppression import sunset, sync_provider_lists

    lists = "no key of SendGrid is set, so there are no lists to read"
    if settings.sendgrid_api_key or settings.mail_provider != "sendgrid":
        lists = str(sync_provider_lists(settings, clock))
    return f"{lists}; {sunset(settings, clock)} people have gone quiet and get no more of a topic"
