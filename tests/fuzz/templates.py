"""Templates written by somebody who means harm: to reach what they were not given, or to bring the process down.

Each is judged as a campaign's body is: refused by the check, or rendered. Children with little memory render them, so
that one that takes too much ends its child and is told by its number.
"""

import json
import multiprocessing as mp
import os
import resource
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from random import Random
from typing import Any

import minijinja

from rapport.campaigns.mail import blocks, nasty, sandbox, templating
from rapport.campaigns.mail.fields import COUPON, SAMPLE_CONTEXT, SAMPLE_COUPON

from .progress import Progress

SECONDS = 1.5
MEGABYTES = 256
BATCH = 500
# Lies where an escape would find it, and in no context.
CANARY = "canary-that-no-template-was-given"
_TELLTALE = (CANARY, "<class", "<function", "<built-in", " object at 0x", "State {", "PosixPath", nasty.MARKUP)

# What a block may print beside the reader's own fields.
_SHOPS = {"shop_url": "https://shop.example", COUPON: SAMPLE_COUPON}
ALLOWED = SAMPLE_CONTEXT.keys() | _SHOPS.keys()

_NAMES = ("first_name", "cart", "viewed_products", "segments", "revenue", "x", "self", "loop", "environ", "_Missing")
_ATTRIBUTES = (
    *("__class__", "__init__.__globals__", "__mro__[1].__subclasses__()", "_text", "__dict__", "__reduce__"),
    *("items", "upper", "format", "func_globals", "__getattribute__('__class__')", "gi_frame", "0", "items[0].title"),
)
_BUILT_IN = (
    *sorted(sandbox.FILTERS),
    *("safe", "tojson", "format", "indent", "batch", "slice", "map", "attr", "pprint", "split", "chain", "zip"),
    *("center", "wordwrap", "truncate", "list", "string", "dictsort", "groupby", "select", "xmlattr", "items", "lines"),
)
_ARGUMENTS = (
    *("", "10**9", "999999999", "-1", "10000", "'x'", "first_name", "cart", "none", "true", "'%999999999d'", "1e308"),
    *(
        "first_name, first_name",
        "'', first_name",
        "width=999999999",
        "'__class__'",
        "attribute='__class__'",
        "'a'*9999",
    ),
)
_WHOLE = (
    "{{ debug() }}",
    "{{ 'x' * 1000000000 }}",
    "{% set x = 'x' * 99999 %}{{ x * 99999 }}",
    "{{ [1] * 1000000000 }}",
    "{{ range(1000000000)|list }}",
    "{{ range(999999999)|sum }}",
    "{{ lipsum(n=100000) }}",
    "{{ 9**9**9**9 }}",
    "{{ 10 ** 30 }}",
    "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "{% for i in range(1000) recursive %}{{ loop(range(1000)) }}{% endfor %}",
    "{% set ns = namespace(x='x') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}",
    "{% set x %}{{ first_name }}{{ first_name }}{% endset %}{{ x }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{% extends '../../../etc/passwd' %}",
    "{% autoescape false %}{{ first_name }}{% endautoescape %}",
    "{{ first_name|safe }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '{:>1000000000}'.format(1) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'|indent(1000000000) }}",
    "{{ ''.join(range(9999)) }}",
    "{{ [[], []]|tojson(indent=999999999) }}",
    "{% for a in first_name %}{% for b in first_name %}{% for c in first_name %}{{ first_name }}{% endfor %}"
    "{% endfor %}{% endfor %}",
    "{% filter upper %}{{ first_name }}{% endfilter %}",
    "{% raw %}{{ first_name }}",
    "{{ 'unclosed }}",
    "{% if %}{% endfor %}",
    "{{ (((((((((((((((((( }}",
)


@dataclass(frozen=True)
class Verdict:
    """Of one batch: how many were refused, failed as one message, rendered, and used ready blocks; faults; the slowest
    and largest."""

    refused: int = 0
    failed: int = 0
    rendered: int = 0
    with_blocks: int = 0
    rendered_with_blocks: int = 0
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    megabytes: float = 0.0


def attack(number: int, seed: int, processes: int) -> tuple[bool, str]:
    """Renders `number` attacks; whether none escaped, hung or grew, and the figures."""
    context = mp.get_context("fork")
    os.environ["RAPPORT_FUZZ_CANARY"] = CANARY
    batches = [range(first, min(first + BATCH, number)) for first in range(0, number, BATCH)]
    verdicts: list[Verdict] = []
    running: list[tuple[Any, Connection, range]] = []
    progress = Progress("templates", number)
    while batches or running:
        while batches and len(running) < processes:
            here, there = context.Pipe(duplex=False)
            child = context.Process(target=_child, args=(there, batches[0], seed))
            child.start()
            there.close()
            running.append((child, here, batches.pop(0)))
        numbers = running[0][2]
        verdicts.append(_verdict(*running.pop(0)))
        progress.add(len(numbers))
    faults = [fault for verdict in verdicts for fault in verdict.faults]
    told = (
        f"{number:,} templates: {sum(v.refused for v in verdicts):,} refused by the check, "
        f"{sum(v.failed for v in verdicts):,} stopped, {sum(v.rendered for v in verdicts):,} rendered; "
        f"{sum(v.with_blocks for v in verdicts):,} with ready blocks, "
        f"{sum(v.rendered_with_blocks for v in verdicts):,} of these rendered; "
        f"{len(faults)} faults; slowest {max(v.seconds for v in verdicts):.2f} s, "
        f"most memory {max(v.megabytes for v in verdicts):.0f} MB"
    )
    return not faults, "; ".join([told, *faults[:5]])


def template(number: int, seed: int) -> str:
    """The attack of a number: a known one as it is, or one made of hostile pieces."""
    if number < len(_WHOLE):
        return _WHOLE[number]
    random = Random(f"{seed}:{number}")
    # Half of them keep to what the check allows, so that it is the running which must hold.
    writer = _Writer(random, tame=number % 2 == 0)
    return "".join(writer.piece(random.choice((0, 1, 2, 3))) for _ in range(random.choice((1, 1, 1, 2, 5))))


@dataclass(frozen=True)
class _Writer:
    random: Random
    tame: bool

    def piece(self, depth: int) -> str:
        random = self.random
        if depth == 0:
            if random.random() < 0.15:
                return self.ready()
            return random.choice(("x", "{{ x }}", "{{ first_name }}", "y" * random.choice((10, 5_000, 90_000))))
        kinds = ("print", "for", "if", "set", "grow")
        if not self.tame:
            kinds += ("block", "macro", "filter", "raw", "whole")
        kind, code, inner = random.choice(kinds), self.expression(), self.piece(depth - 1)
        if kind == "for":
            code = random.choice((code, f"range({random.choice((9, 999, 1000, 10**9))})", "first_name", "cart.items"))
        return {
            "print": f"{{{{ {code} }}}}{inner}",
            "for": f"{{% for x in {code} %}}{inner}{{% endfor %}}",
            "if": f"{{% if {code} %}}{inner}{{% else %}}{inner}{{% endif %}}",
            "set": f"{{% set x = {code} %}}{inner}{{{{ x }}}}",
            "grow": f"{{% set first_name = first_name ~ {code} ~ first_name %}}{inner}",
            "block": f"{{% set x %}}{inner}{{% endset %}}{{{{ x }}}}",
            "macro": f"{{% macro x(a) %}}{inner}{{{{ x(a) }}}}{{% endmacro %}}{{{{ x({code}) }}}}",
            "filter": f"{{% filter {random.choice(_BUILT_IN)} %}}{inner}{{% endfilter %}}",
            "raw": f"{{% autoescape {code} %}}{{{{ first_name }}}}{{% endautoescape %}}",
            "whole": random.choice(_WHOLE),
        }[kind]

    def ready(self) -> str:
        """A ready block, or what somebody might make of the word."""
        known = f"{{{{ blocks.{self.random.choice(tuple(blocks.BLOCKS))} }}}}"
        hostile = f"{{{{ blocks.{self.random.choice(_ATTRIBUTES)} }}}}"
        return known if self.tame or self.random.random() < 0.7 else self.random.choice((hostile, "{{ blocks }}"))

    def expression(self) -> str:
        random = self.random
        literal = "'" + "z" * random.choice((3, 400, 400 if self.tame else 60_000)) + "'"
        code = random.choice((*(_NAMES[:5] if self.tame else _NAMES), literal, "7", "[first_name, 1]", "cart.items"))
        for _ in range(random.choice((0, 0, 1, 1, 2, 3, 6))):
            code = self._longer(code, random.choice(("chain", "filter", "with", "list", "operator")))
            if not self.tame and random.random() < 0.3:
                code = self._longer(code, random.choice(("attribute", "index", "call")))
        return code

    def _longer(self, code: str, how: str) -> str:
        random = self.random
        # An attack may be long, but making it must not be what takes the memory.
        most = 1 + (1_500 if self.tame else 20_000) // len(code)
        names = sorted(sandbox.FILTERS) if self.tame else _BUILT_IN
        arguments = [one for one in _ARGUMENTS if "*" not in one] if self.tame else _ARGUMENTS
        operators = ("~", "+", "-", "/", "//", "%", "in", "==", "<", "or") + (() if self.tame else ("*", "**"))
        return {
            "chain": f"({' ~ '.join([code] * min(most, random.choice((2, 20, 300))))})",
            "list": f"[{', '.join([code] * min(most, random.choice((2, 50))))}]",
            "filter": f"{code}|{random.choice(names)}",
            "with": f"{code}|{random.choice(names)}({random.choice(arguments)})",
            "operator": f"({code} {random.choice(operators)} {random.choice(_NAMES[:5])})",
            "attribute": f"{code}.{random.choice(_ATTRIBUTES)}",
            "index": f"{code}[{random.choice(_ARGUMENTS) or '::-1'}]",
            "call": f"{code}({random.choice(_ARGUMENTS)})",
        }[how]


def _child(there: Connection, numbers: range, seed: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    profiles = list(nasty.profiles().values())
    profiles.append({**SAMPLE_CONTEXT, "first_name": nasty.MARKUP * 300})
    # Once, so that libraries are loaded before what a render takes is measured.
    _judge("{{ revenue|money }}{{ last_order_at|date }}{{ revenue|number }}", SAMPLE_CONTEXT)
    size = _virtual() + MEGABYTES * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    counts: Counter[str] = Counter()
    faults: list[str] = []
    slowest, before = 0.0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in numbers:
        there.send(number)
        source = template(number, seed)
        began = time.process_time()
        outcome = _judge(source, profiles[number % len(profiles)])
        took = time.process_time() - began
        slowest = max(slowest, took)
        has_blocks = blocks.uses(source)
        counts["with_blocks"] += has_blocks
        counts["rendered_with_blocks"] += has_blocks and outcome == "rendered"
        if outcome in ("refused", "failed", "rendered"):
            counts[outcome] += 1
        else:
            faults.append(f"attack {number}: {outcome}")
        if took > SECONDS:
            faults.append(f"attack {number}: took {took:.1f} s")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    there.send(json.dumps(vars(Verdict(**counts, faults=faults, seconds=slowest, megabytes=grown))))
    there.close()


def _judge(source: str, context: dict[str, Any]) -> str:
    """`refused`, `failed` (this message only), `rendered`, or what is wrong."""
    if sandbox.faults(source) or blocks.unknown(source):
        return "refused"
    try:
        names = templating.names_in(source) - ({blocks.NAME} if blocks.uses(source) else set())
    except minijinja.TemplateError:
        return "refused"
    if names - ALLOWED:
        return "refused"
    templating.environment.cache_clear()
    try:
        values = templating.template_values({**_SHOPS, **context}, {}, "en")
        filled = blocks.expand(source, "en", "utm_source=rapport", html=True)
        text = templating.render_source(filled, "attack.html", values)
    except templating.ContentError as error:
        return f"the error tells of {CANARY}" if CANARY in str(error) else "failed"
    except Exception as error:
        return f"{type(error).__name__} is no refusal of one message"
    found = [sign for sign in _TELLTALE if sign in text]
    return f"printed {found}" if found else "rendered"


def _verdict(child: Any, here: Connection, numbers: range) -> Verdict:
    last: int | None = None
    deadline = time.monotonic() + 600
    try:
        while here.poll(max(0.0, deadline - time.monotonic())):
            told = here.recv()
            if isinstance(told, str):
                return Verdict(**json.loads(told))
            last = told
    except EOFError:
        pass
    finally:
        child.kill()
        child.join()
    return Verdict(faults=[f"attack {last} of {numbers} brought its process down ({child.exitcode})"])


def _virtual() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
