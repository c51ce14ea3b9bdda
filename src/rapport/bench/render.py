"""A mail of 15 KB rendered as delivery does it, beside the engine alone on the same sources and values."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import minijinja

from rapport.campaigns.mail import content, fields, filters

MESSAGES = 50_000
TARGET_PER_SECOND = 10_000
HTML_BYTES = 15_000
TURNS = 5
LINKS = {
    "shop_url": "https://shop.example",
    "shop_name": "Müller & Sons Ltd",
    "shop_postal_address": "1 Sample Street, Sampleton",
    "unsubscribe_url": "https://mail.shop.example/u/x",
    "preferences_url": "https://mail.shop.example/p/x",
}


@dataclass(frozen=True)
class Result:
    """Messages a second of one core, by processor time: ours, and the engine's alone."""

    messages: int
    html_bytes: int
    ours: float
    plain: float

    @property
    def reached(self) -> bool:
        return self.ours >= TARGET_PER_SECOND

    def row(self) -> tuple[str, ...]:
        """Figure, value, unit, peer, its value, ratio."""
        ratio = f"{self.ours / self.plain:.2f}"
        return (
            "rendering a mail",
            f"{self.ours:,.0f}",
            "messages/s a core",
            "minijinja alone",
            f"{self.plain:,.0f}",
            ratio,
        )

    def lines(self) -> list[str]:
        return [
            f"render: {self.messages:,} mails of {self.html_bytes:,} bytes of HTML, subject and text, each with its",
            "  own name and amount, a date and a cart of two products in four locales",
            f"  ours: {self.ours:,.0f} messages/s of one core; minijinja alone, without fields checked or formatted:"
            f" {self.plain:,.0f}",
        ]


def run(rows: int | None = None) -> Result:
    """Renders so many messages by turns, ours and the engine alone; the best turn of each counts."""
    messages = rows or MESSAGES
    template = _template()
    contexts = [_context(number) for number in range(messages // TURNS)]
    plain = _plain(template)
    size = len(content.render(template, contexts[0], LINKS).html.encode())
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        ours.append(_per_second(lambda context: content.render(template, context, LINKS), contexts))
        theirs.append(_per_second(plain, contexts))
    return Result(messages, size, max(ours), max(theirs))


def _per_second(render: Callable[[Mapping[str, Any]], object], contexts: list[dict[str, Any]]) -> float:
    # Every amount is of one mail, and nothing is known from the turn before: cold, as a campaign begins.
    filters.forget_words()
    began = time.process_time()
    for context in contexts:
        render(context)
    return len(contexts) / (time.process_time() - began)


def _template() -> content.Template:
    paragraph = '<p style="font-family:sans-serif;font-size:14px">A paragraph of the mail, as a shop writes it.</p>\n'
    body = (
        "<p>Hello {{ first_name or 'there' }}, you spent {{ revenue|money }} by {{ last_order_at|date }}.</p>"
        "{% for item in cart.items %}<p>{{ item.quantity }} × {{ item.title }}: {{ item.price|money }}</p>{% endfor %}"
        "<p>{{ shop_name }}, {{ shop_postal_address }} <a href='{{ unsubscribe_url }}'>unsubscribe</a></p>"
    )
    html = f"<html lang='en' dir='ltr'><body>{paragraph * (HTML_BYTES // len(paragraph))}{body}</body></html>"
    text = "Hello {{ first_name or 'there' }}\n" + "A line of text.\n" * 100 + "{{ shop_name }} {{ unsubscribe_url }}"
    return content.Template("bench", "v1", "en", "For {{ first_name or 'you' }}", "", html, text)


def _context(number: int) -> dict[str, Any]:
    sample = fields.SAMPLE_CONTEXT
    items = [{**sample["cart"]["items"][0], "price": 5 + number % 200}] * 2
    return {
        "first_name": f"Ann {number}",
        "revenue": 10 + number / 100,
        "last_order_at": f"2026-{1 + number % 12:02}-{1 + number % 28:02}T18:40:00+00:00",
        "locale": ("en-GB", "de-DE", "uk-UA", "ar-EG")[number % 4],
        "currency_code": "GBP",
        "time_zone": "Europe/London",
        "cart": {**sample["cart"], "items": items},
    }


def _plain(template: content.Template) -> Callable[[Mapping[str, Any]], object]:
    """The engine with the values as they are: filters answer what they are given."""
    sources = {"subject": template.subject, "body.html": template.html, "body.txt": template.body_text}
    env = minijinja.Environment(templates=sources)
    for name in ("money", "date"):
        env.add_filter(name, str)

    def render(context: Mapping[str, Any]) -> object:
        values = {**context, **LINKS}
        return [env.render_template(name, **values) for name in sources]

    return render
