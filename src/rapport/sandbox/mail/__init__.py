"""A simulated SendGrid account: accepts mail into its own ledger and answers with signed event webhooks."""

from rapport.sandbox.mail.app import app
from rapport.sandbox.mail.faults import Fault, Faults
from rapport.sandbox.mail.ledger import Ledger
from rapport.sandbox.mail.options import MailOptions
from rapport.sandbox.mail.signing import public_key_base64

__all__ = ["Fault", "Faults", "Ledger", "MailOptions", "app", "public_key_base64"]
