"""The blocks `approval` and `gates` of the shop's policy: when a person must look before something is sent."""

from datetime import timedelta

from pydantic import Field

from rapport.campaigns.folder.parts import Duration, Part


class ApprovalRules(Part):
    """Who must say yes before a campaign is planned."""

    automatic: bool = Field(
        default=False,
        description="Whether a campaign may state `approval: automatic`; what is unusual still needs a person.",
    )
    two_people_from: int = Field(
        default=5000,
        ge=1,
        description="From so many messages on two people must agree, neither of them whoever asked or edited.",
    )
    expires_after: Duration = Field(
        default=timedelta(hours=24), description="A question unanswered for so long is closed, and nothing is sent."
    )


class GateRules(Part):
    """What is unusual enough that a person must look at it, whatever was approved before."""

    segment_change_percent: int = Field(
        default=30, ge=1, le=1000, description="The segment grew or shrank by more since the campaign's last time."
    )
    volume_factor: float = Field(
        default=2.0, gt=1, le=100, description="More messages than so many times the median of former occurrences."
    )
    least_people: int = Field(
        default=50, ge=0, description="Smaller differences than so many people are never unusual."
    )
