"""Refusals of `mail/send`, field by field, as strict as the service: one bad entry refuses the whole request."""

import json
from collections.abc import Iterator
from typing import Any

from rapport.sandbox.mail.fields import (
    Error,
    address,
    as_object,
    error,
    header_lines,
    strings,
    typed,
    unknown,
)

MAX_BYTES = 30 * 1024 * 1024
MAX_PERSONALIZATIONS = 1000
MAX_RECIPIENTS = 1000
MAX_CATEGORIES = 10
MAX_CATEGORY_CHARS = 255
MAX_CUSTOM_ARGS_BYTES = 10_000
MAX_SUBSTITUTIONS = 10_000
MAX_AHEAD_SECONDS = 72 * 3600
TOP = frozenset(
    (
        *("personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id"),
        *("headers", "categories", "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings"),
        *("tracking_settings", "sections"),
    )
)
PERSONAL = frozenset(
    (
        *("from", "to", "cc", "bcc", "subject", "headers", "substitutions", "dynamic_template_data", "custom_args"),
        "send_at",
    )
)


def refusals(body: Any, now: float, groups: frozenset[int]) -> list[Error]:
    """All reasons to refuse `body`; empty when it may be accepted. `now` in epoch seconds, `groups` known asm ids."""
    if not isinstance(body, dict):
        return [error("Bad Request")]
    return list(_request(body, now, groups))


def _request(body: dict[str, Any], now: float, groups: frozenset[int]) -> Iterator[Error]:
    yield from unknown(body, TOP, "")
    yield from _personalizations(body, now)
    yield from _sender(body)
    yield from _subject(body)
    yield from _content(body)
    yield from _categories(body)
    yield from header_lines(body.get("headers"), "headers")
    yield from strings(body.get("custom_args"), "custom_args")
    yield from _send_at(body.get("send_at"), "send_at", now)
    yield from _asm(body, groups)
    yield from _attachments(body)
    yield from _reply(body)
    for name in ("mail_settings", "tracking_settings"):
        yield from typed(body.get(name), dict, name)
        for key, value in as_object(body.get(name)).items():
            yield from typed(value, dict, f"{name}.{key}")
    if body.get("template_id") is not None:
        yield error("The template_id does not name a template of this account.", "template_id", "message.template_id")


def _personalizations(body: dict[str, Any], now: float) -> Iterator[Error]:
    given = body.get("personalizations")
    anchor = "-Personalizations-Errors"
    if not isinstance(given, list) or not given:
        yield error(
            "The personalizations field is required and must have at least one personalization.",
            "personalizations",
            anchor,
        )
        return
    if len(given) > MAX_PERSONALIZATIONS:
        yield error(f"No more than {MAX_PERSONALIZATIONS} personalizations are allowed.", "personalizations", anchor)
        return
    recipients = 0
    for number, one in enumerate(given):
        field = f"personalizations.{number}"
        if not isinstance(one, dict):
            yield error("A personalization must be an object.", field, anchor)
            continue
        recipients += sum(len(one[name]) for name in ("to", "cc", "bcc") if isinstance(one.get(name), list))
        yield from _personalization(one, body, field, now)
    if recipients > MAX_RECIPIENTS:
        yield error(
            f"The total number of recipients must be no more than {MAX_RECIPIENTS}.", "personalizations", anchor
        )


def _personalization(one: dict[str, Any], body: dict[str, Any], field: str, now: float) -> Iterator[Error]:
    yield from unknown(one, PERSONAL, f"{field}.")
    yield from _recipients(one, field)
    yield from header_lines(one.get("headers"), f"{field}.headers")
    yield from strings(one.get("custom_args"), f"{field}.custom_args")
    yield from strings(one.get("substitutions"), f"{field}.substitutions")
    if isinstance(one.get("substitutions"), dict) and len(one["substitutions"]) > MAX_SUBSTITUTIONS:
        yield error(f"No more than {MAX_SUBSTITUTIONS} substitutions are allowed.", f"{field}.substitutions")
    yield from _send_at(one.get("send_at"), f"{field}.send_at", now)
    if one.get("dynamic_template_data") is not None:
        yield error("dynamic_template_data needs a dynamic template_id.", f"{field}.dynamic_template_data")
    if "subject" in one and (not isinstance(one["subject"], str) or not one["subject"]):
        yield error(
            "The personalized subject of your email must be a string at least one character in length.",
            f"{field}.subject",
        )
    if "from" in one:
        yield from address(one["from"], f"{field}.from")
    together = {**as_object(body.get("custom_args")), **as_object(one.get("custom_args"))}
    if len(json.dumps(together, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_CUSTOM_ARGS_BYTES:
        yield error(
            f"The combined size of custom arguments may not exceed {MAX_CUSTOM_ARGS_BYTES} bytes.",
            f"{field}.custom_args",
        )


def _recipients(one: dict[str, Any], field: str) -> Iterator[Error]:
    to = one.get("to")
    if not isinstance(to, list) or not to:
        yield error(
            "The to array is required for all personalization objects, and must have at least one email object with a "
            "valid email address.",
            f"{field}.to",
            "message.personalizations.to",
        )
    seen: set[str] = set()
    for name in ("to", "cc", "bcc"):
        value = one.get(name)
        yield from typed(value, list, f"{field}.{name}")
        for number, entry in enumerate(value if isinstance(value, list) else []):
            yield from address(entry, f"{field}.{name}.{number}")
            given = str(as_object(entry).get("email", "")).strip().lower()
            if given and given in seen:
                yield error(
                    "Each email address in the personalization block should be unique between to, cc, and bcc. "
                    f"We found the first duplicate instance of [{given}] in the {field}.{name} field.",
                    f"{field}.{name}",
                    "message.recipient-errors",
                )
            seen.add(given)


def _sender(body: dict[str, Any]) -> Iterator[Error]:
    if body.get("from") is None:
        yield error("The from object must be provided for every email send and needs an email.", "from", "message.from")
    else:
        yield from address(body["from"], "from")


def _subject(body: dict[str, Any]) -> Iterator[Error]:
    subject = body.get("subject")
    if subject is not None and (not isinstance(subject, str) or not subject):
        yield error("The subject must be a string at least one character in length.", "subject", "message.subject")
    given = body.get("personalizations")
    each = isinstance(given, list) and bool(given) and all(as_object(one).get("subject") for one in given)
    if subject is None and not each:
        yield error(
            "The subject is required. You can get around this requirement if you use a template with a subject defined "
            "or if every personalization has a subject defined.",
            "subject",
            "message.subject",
        )


def _content(body: dict[str, Any]) -> Iterator[Error]:
    content = body.get("content")
    if not isinstance(content, list) or not content:
        yield error(
            "Unless a valid template_id is provided, the content parameter is required. There must be at least one "
            "defined content block.",
            "content",
            "message.content",
        )
        return
    kinds = []
    for number, part in enumerate(content):
        field, block = f"content.{number}", as_object(part)
        yield from unknown(block, frozenset(("type", "value")), f"{field}.")
        kinds.append(block.get("type"))
        for name in ("type", "value"):
            if not isinstance(block.get(name), str) or not block[name]:
                yield error(f"The content {name} must be a string at least one character in length.", f"{field}.{name}")
    for kind in ("text/plain", "text/html"):
        if kinds.count(kind) > 1:
            yield error(f"If present, {kind} may only be provided once.", "content", "message.content")
    rank = {"text/plain": 0, "text/html": 1}
    order = [rank.get(str(kind), 2) for kind in kinds]
    if order != sorted(order):
        yield error(
            "If present, text/plain and text/html parts must come first, in that order.", "content", "message.content"
        )


def _categories(body: dict[str, Any]) -> Iterator[Error]:
    value = body.get("categories")
    yield from typed(value, list, "categories")
    names = value if isinstance(value, list) else []
    if len(names) > MAX_CATEGORIES:
        yield error(
            f"The categories parameter may hold at most {MAX_CATEGORIES} categories.",
            "categories",
            "message.categories",
        )
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name or len(name) > MAX_CATEGORY_CHARS:
            yield error(f"A category is a string of 1 to {MAX_CATEGORY_CHARS} characters.", f"categories.{number}")
    if len({str(name) for name in names}) != len(names):
        yield error("Categories must be unique.", "categories", "message.categories")


def _send_at(value: Any, field: str, now: float) -> Iterator[Error]:
    yield from typed(value, int, field)
    if isinstance(value, int) and value > now + MAX_AHEAD_SECONDS:
        yield error("The send_at parameter may lie at most 72 hours in the future.", field, "message.send_at")


def _asm(body: dict[str, Any], groups: frozenset[int]) -> Iterator[Error]:
    asm = body.get("asm")
    yield from typed(asm, dict, "asm")
    if not isinstance(asm, dict):
        return
    group, shown = asm.get("group_id"), asm.get("groups_to_display", [])
    if not isinstance(group, int) or isinstance(group, bool):
        yield error("The asm.group_id is required and must be an integer.", "asm.group_id", "message.asm")
    elif group not in groups:
        yield error(
            "The asm.group_id does not name an unsubscribe group of this account.", "asm.group_id", "message.asm"
        )
    if not isinstance(shown, list) or len(shown) > 25 or any(one not in list(groups) for one in shown):
        yield error(
            "groups_to_display holds at most 25 ids of this account's groups.", "asm.groups_to_display", "message.asm"
        )


def _attachments(body: dict[str, Any]) -> Iterator[Error]:
    value = body.get("attachments")
    yield from typed(value, list, "attachments")
    for number, one in enumerate(value if isinstance(value, list) else []):
        for name in ("content", "filename"):
            if not isinstance(as_object(one).get(name), str) or not one[name]:
                yield error(
                    f"The attachment {name} is required.", f"attachments.{number}.{name}", "message.attachments"
                )


def _reply(body: dict[str, Any]) -> Iterator[Error]:
    if body.get("reply_to") is not None:
        yield from address(body["reply_to"], "reply_to")
        if body.get("reply_to_list") is not None:
            yield error("Use either reply_to or reply_to_list, not both.", "reply_to_list", "message.reply_to")
