"""The JSON schema of `campaign.yml`, for editors."""

from typing import Annotated

from pydantic import Field, RootModel

from rapport.campaigns.folder.model import Campaign, Confirmation
from rapport.campaigns.lifecycle.flow import Flow


class _Any(RootModel[Annotated[Campaign | Confirmation | Flow, Field(discriminator="kind")]]):
    """A `campaign.yml` of any kind."""


def json_schema() -> dict[str, object]:
    """JSON schema of `campaign.yml` of every kind."""
    schema = _Any.model_json_schema(by_alias=True)
    for kind in (Campaign, Confirmation, Flow):
        schema["$defs"][kind.__name__]["properties"].pop("folder", None)
    return schema
