"""The request body against the vendor's published API document."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rapport.delivery.providers import Message
from rapport.delivery.providers.sendgrid_body import Account, body

MESSAGE = Message(
    to="ada@post.example",
    sender="hello@shop.example",
    sender_name="Ada & Co",
    reply_to="help@shop.example",
    subject="Hello",
    text="text",
    html="<p>html</p>",
    headers={"List-Id": "<marketing.shop.example>"},
    arguments={"send_id": "1", "attempt_no": "2"},
    category="hello",
    topic="marketing",
    go=lambda: None,
)
BODY = "#/components/requestBodies/PostMailSend/content/application~1json/schema"


def closed(schema: Any) -> Any:
    """The document lets any name pass; the service does not."""
    if isinstance(schema, dict):
        more = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
        return {**more, **{name: closed(value) for name, value in schema.items()}}
    return [closed(value) for value in schema] if isinstance(schema, list) else schema


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    folder = os.environ.get("RAPPORT_SHARED_SPECS", Path(__file__).resolve().parents[4] / "shared" / "specs")
    path = Path(folder) / "sendgrid_mail_v3.json"
    if not path.is_file():
        pytest.skip(f"the published API document is not here: {path} (set RAPPORT_SHARED_SPECS)")
    document = closed(json.loads(path.read_text()))
    return Draft202012Validator({"$ref": BODY, "components": document["components"]})


def faults(validator: Draft202012Validator, ours: dict[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(ours)]


@pytest.mark.parametrize("number", [1, 50])
@pytest.mark.parametrize(
    "account", [Account(), Account(7, "offers", sandbox_mode=True)], ids=["plain", "with-everything"]
)
def test_the_body_is_of_the_published_shape(validator: Draft202012Validator, number: int, account: Account) -> None:
    tokens = {"-rapport.unsubscribe-": "https://shop.example/u/1"}
    messages = [
        replace(MESSAGE, to=f"ada{at}@post.example", substitutions=tokens if number > 1 else {}) for at in range(number)
    ]
    assert faults(validator, json.loads(body(messages, account))) == []


@pytest.mark.parametrize(
    "wrong",
    [{"reply_too": 1}, {"subject": ""}, {"asm": {"group_id": "seven"}}, {"personalizations": [{"headers": {}}]}],
    ids=["unknown-name", "empty-subject", "type", "nobody"],
)
def test_the_check_finds_what_is_wrong(validator: Draft202012Validator, wrong: dict[str, Any]) -> None:
    assert faults(validator, json.loads(body([MESSAGE], Account())) | wrong)
