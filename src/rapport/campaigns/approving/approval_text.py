"""What people see when they are asked: what the mail says, who would get it, what was checked. Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from rapport.campaigns.folder.model import Campaign
from rapport.campaigns.lifecycle.flow import Flow
from rapport.campaigns.mail import content
from rapport.campaigns.mail.preview import preview
from rapport.settings import Settings

# Enough to recognise a mail by; the whole of it is a command away.
MOST_TEXT = 1500


def body(
    campaign: Campaign | Flow,
    request: Mapping[str, Any],
    waterfall: Mapping[str, int],
    checks: Sequence[tuple[str, str]],
    settings: Settings,
) -> str:
    """The question to a person, for a made-up reader; holds nobody's data."""
    needed = request["people_needed"]
    who = "**Two people** must agree, neither of them whoever asked or edited it." if needed > 1 else ""
    given = request["approved_by"]
    return "\n".join(
        [
            f"**{campaign.title}** (`{campaign.name}`, {campaign.owner}), occurrence `{request['occurrence_key']}`: "
            f"**{waterfall['planned']:,} messages**. Open until {request['expires_at']:%Y-%m-%d %H:%M} UTC; without an "
            f"answer nothing is sent. {who}",
            *([f"\nApproved so far by: {', '.join(given)}."] if given else []),
            "\n#### Why you are asked\n",
            *(f"- {reason}" for reason in request["reasons"]),
            "\n#### What it says\n",
            *_mails(campaign, settings),
            "\n#### Who gets it\n",
            "| | people |",
            "|---|---:|",
            *(f"| {name.replace('_', ' ')} | {count:,} |" for name, count in waterfall.items() if count),
            "\n#### What was checked\n",
            "| | |",
            "|---|---|",
            *(f"| {name} | {_cell(told)} |" for name, told in checks),
        ]
    )


def _mails(campaign: Campaign | Flow, settings: Settings) -> list[str]:
    lines = []
    kind = "Step" if isinstance(campaign, Flow) else "Version"
    for version in content.versions_of(campaign):
        message = preview(campaign, settings, variant=version.variant, step=version.step or None)
        text = message.text.strip()
        told = f"{text[:MOST_TEXT]} ..." if len(text) > MOST_TEXT else text
        # A fence longer than any in the text, so that no text ends it.
        lines += [
            f"{kind} `{version.name}`. Subject: `{message.subject.replace('`', chr(39))}`\n",
            "`" * 8 + "text",
            told,
        ]
        lines += ["`" * 8, ""]
    return lines


def _cell(told: str) -> str:
    return " ".join(told.replace("|", "/").split())
