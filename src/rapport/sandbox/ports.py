"""The usual ports of the sandbox, apart from the servers so that knowing them costs nothing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ports:
    """Where each server listens; 0, or a port that is taken, means a free one."""

    shopify: int = 8101
    zendesk: int = 8102
    bluesky: int = 8103
    sendgrid: int = 8104
    mailbox: int = 8105
