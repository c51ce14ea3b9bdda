"""A look at a mail before anyone gets it."""

from collections.abc import Mapping
from typing import Any

from rapport.campaigns.folder.model import Confirmation, Mailing
from rapport.campaigns.lifecycle import triggers
from rapport.campaigns.lifecycle.flow import Flow
from rapport.campaigns.mail import content
from rapport.campaigns.mail.fields import AUDIENCE_FIELDS, SAMPLE_CONTEXT, SAMPLE_REQUEST
from rapport.campaigns.outcome.variants import CONTROL, version_name
from rapport.db import connect, load_queries
from rapport.errors import PermanentError
from rapport.settings import Settings


def profile(customer_id: str, settings: Settings) -> dict[str, Any]:
    """What the audience knows of a customer: every field, so that nothing of a made-up reader's stands in for one.

    Raises PermanentError when there is no such customer in the audience.
    """
    with connect("engine", settings=settings) as conn:
        query = load_queries(__package__, "samples.sql")["profile"]
        row = conn.execute(query, {"customer_id": customer_id}).fetchone()
    if row is None:
        raise PermanentError(f"{customer_id} is not in the audience; rapport needs a customer_id of marts.customers")
    return {**dict.fromkeys(AUDIENCE_FIELDS), **row["fields"]}


def preview(
    campaign: Mailing,
    settings: Settings,
    context: Mapping[str, Any] | None = None,
    *,
    language: str | None = None,
    variant: str = CONTROL,
    step: str | None = None,
) -> content.RenderedMessage:
    """The mail for a made-up reader; `context` replaces fields of that reader.

    `step`: of a flow, the first when left out. Raises as content.render does, and PermanentError when there is no such
    variant or step.
    """
    versions = content.compile_versions(campaign)
    kind, at = ("step", step or campaign.steps[0].name) if isinstance(campaign, Flow) else ("variant", "")
    wanted = version_name(at, variant)
    if wanted not in versions:
        raise PermanentError(f"{campaign.name} has no {kind} {wanted!r}; there are: {', '.join(versions)}")
    templates = versions[wanted]
    template = content.choose(templates, language or campaign.language, templates[0].variant)
    links = {
        "shop_url": settings.shop_url,
        "shop_name": settings.shop_name,
        # A preview must be possible before the shop is set up.
        "shop_postal_address": settings.shop_postal_address or "(RAPPORT_SHOP_POSTAL_ADDRESS is not set)",
        "unsubscribe_url": f"{settings.gateway_url}/u/preview",
        "preferences_url": f"{settings.gateway_url}/p/preview",
    }
    if isinstance(campaign, Flow):
        context = {triggers.FIELD: triggers.SAMPLES[campaign.trigger], **(context or {})}
        links[triggers.SURVEY_LINK] = f"{settings.gateway_url}/s/preview"
    if isinstance(campaign, Confirmation):
        links["confirm_url"] = f"{settings.gateway_url}/c/preview"
        return content.render(template, {**SAMPLE_REQUEST, **(context or {})}, links)
    sample = {**SAMPLE_CONTEXT, "language": template.language, **template.stand_ins}
    return content.render(template, {**sample, **(context or {})}, links)
