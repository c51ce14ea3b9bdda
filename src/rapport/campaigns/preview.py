"""A look at a mail before anyone gets it."""

from collections.abc import Mapping
from typing import Any

from rapport.campaigns import content, triggers
from rapport.campaigns.fields import SAMPLE_CONTEXT, SAMPLE_REQUEST
from rapport.campaigns.flow import Flow
from rapport.campaigns.model import Confirmation, Mailing
from rapport.campaigns.variants import CONTROL
from rapport.errors import PermanentError
from rapport.settings import Settings


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
    if isinstance(campaign, Flow):
        wanted, kind = step or campaign.steps[0].name, "step"
    else:
        wanted, kind = variant, "variant"
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
    return content.render(template, {**SAMPLE_CONTEXT, "language": template.language, **(context or {})}, links)
