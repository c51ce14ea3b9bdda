"""What templates read of an object, so that a mail keeps no more of it."""

import pytest

from rapport.campaigns.folder.definition import load_campaign
from rapport.campaigns.lifecycle.flow import Flow, by_step
from rapport.campaigns.lifecycle.triggers import SAMPLES
from rapport.campaigns.mail import content, fields, templating
from rapport.settings import CHECKOUT, Settings

FOLDER = CHECKOUT / "campaigns" / "examples"
NAMES = sorted(file.parent.name for file in FOLDER.glob("*/campaign.yml"))


@pytest.mark.parametrize(
    ("source", "read"),
    [
        pytest.param("Hello {{ first_name }}", set(), id="nothing"),
        pytest.param(
            "{{ trigger.product.title }} {{ (trigger.cart.url or shop_url)|web }}", {"product", "cart"}, id="two"
        ),
        pytest.param("{% for i in trigger.cart['items'] %}{{ i.title }}{% endfor %}", {"cart"}, id="loop"),
        pytest.param("{% set t = trigger.cart %}{{ t.url }}", {"cart"}, id="alias"),
        pytest.param("{{ trigger['cart'].url }}", None, id="by-key"),
        pytest.param("{{ trigger[first_name] }}", None, id="by-a-field"),
        pytest.param("{% set t = trigger %}{{ t.cart }}", None, id="alias-of-all"),
        pytest.param("{% for name in trigger %}{{ name }}{% endfor %}", None, id="all-of-it"),
        pytest.param("{{ trigger.cart.url }}{% set trigger = trigger %}{{ trigger.order.name }}", None, id="hidden"),
        pytest.param("{% for n, trigger in pairs %}{{ trigger.cart }}{% endfor %}", None, id="hidden-by-a-loop"),
    ],
)
def test_what_is_read_is_told_and_what_is_not_clear_is_all(source: str, read: set[str] | None) -> None:
    assert templating.parts_read([source, "no tag"], "trigger") == read


@pytest.mark.parametrize("name", NAMES)
def test_an_example_says_the_same_of_what_is_kept(settings: Settings, name: str) -> None:
    flow = load_campaign(FOLDER / name, settings)
    assert isinstance(flow, Flow)
    sample = SAMPLES[flow.trigger]
    links = {
        **dict.fromkeys(("unsubscribe_url", "preferences_url", "survey_url"), "https://mail.shop.example/u/x"),
        "shop_url": "https://shop.example",
        "shop_name": "Shop",
        "shop_postal_address": "1 Street",
    }
    for templates in by_step(flow, content.compile_versions(flow)).values():
        read = content.trigger_read(templates)
        assert read is not None
        kept = {key: value for key, value in sample.items() if key in read}
        for template in templates:
            context = {**fields.SAMPLE_CONTEXT, **template.stand_ins}
            assert content.render(template, {**context, "trigger": kept}, links) == content.render(
                template, {**context, "trigger": sample}, links
            )


def test_what_is_not_read_is_left_out(settings: Settings) -> None:
    flow = load_campaign(FOLDER / "review_request", settings)
    assert isinstance(flow, Flow)
    (templates,) = by_step(flow, content.compile_versions(flow)).values()
    assert content.trigger_read(templates) == {"product"} < set(SAMPLES[flow.trigger])
