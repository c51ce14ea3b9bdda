"""What a reader would stumble over in a rendered mail: links, pictures, length, the line beside the subject."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

import httpx

from rapport.campaigns.folder.model import Mailing
from rapport.campaigns.mail import content
from rapport.campaigns.mail.preview import preview
from rapport.settings import Settings

# Gmail cuts what is longer, and with it the way out.
HTML_LIMIT_BYTES = 102 * 1024
# Shorter, and mail programs fill the line up with the mail's first words; longer, and they cut it.
PREHEADER_LENGTH = range(40, 131)
FETCH_SECONDS = 5.0
_NO_PAGES = ("mailto:", "tel:")
# Of made-up readers.
_SAMPLE_HOST = "shop.example"


@dataclass
class PageReport:
    """`faults` must be mended; `hints` are for somebody's judgement. Both name version and language."""

    faults: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)


@dataclass
class _Page(HTMLParser):
    """Links and pictures in their order."""

    links: list[str] = field(default_factory=list)
    pictures: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and "href" in given:
            self.links.append(given["href"] or "")
        if tag == "img":
            self.pictures.append((given.get("src") or "", given.get("alt")))


def check_pages(campaign: Mailing, settings: Settings, *, fetch: bool = False) -> PageReport:
    """Every version and language for a made-up reader. `fetch` asks for each link of the shop, waiting 5 s at most.

    Raises CampaignError when the content does not compile.
    """
    report = PageReport()
    seen: set[str] = set()
    made = content.compile_versions(campaign)
    for version in content.versions_of(campaign):
        for template in made[version.name]:
            step = version.step or None
            message = preview(campaign, settings, language=template.language, variant=version.variant, step=step)
            where = f"{campaign.name} {version.name} in {template.language}"
            page = _Page()
            page.feed(message.html)
            report.faults += [f"{where}: {told}" for told in _faults(message, page, settings)]
            report.hints += [f"{where}: {told}" for told in _hints(template.preheader, page, settings)]
            seen |= {link for link in page.links if _of_the_shop(link, settings)}
    if fetch:
        report.faults += [f"{campaign.name}: {told}" for told in _unreachable(sorted(seen))]
    return report


def _faults(message: content.RenderedMessage, page: _Page, settings: Settings) -> Iterator[str]:
    for link in dict.fromkeys(page.links):
        if not link.startswith(_NO_PAGES) and not _absolute(link, settings):
            yield f"the link {link!r} is no https address"
    for source, words in dict.fromkeys(page.pictures):
        if not _absolute(source, settings):
            yield f"the picture {source!r} is no https address"
        if not (words or "").strip():
            yield f"the picture {source!r} has no alt text: many readers see no pictures"
    for part, text in (("subject", message.subject), ("HTML", message.html), ("text", message.text)):
        if "{{" in text or "{%" in text:
            yield f"the {part} holds template braces that were not filled in"
    if (size := len(message.html.encode())) > HTML_LIMIT_BYTES:
        yield f"the HTML has {size:,} bytes; Gmail cuts it after {HTML_LIMIT_BYTES:,}: shorten it"


def _hints(preheader: str, page: _Page, settings: Settings) -> Iterator[str]:
    if not preheader:
        yield "there is no preheader: mail programs show the mail's first words beside the subject"
    elif len(preheader) not in PREHEADER_LENGTH:
        least, most = PREHEADER_LENGTH.start, PREHEADER_LENGTH.stop - 1
        yield f"the preheader has {len(preheader)} characters; {least} to {most} are shown well"
    hosts = {urlsplit(link).hostname or "" for link in page.links if _absolute(link, settings)}
    for host in sorted(hosts):
        if not _known(host, settings):
            yield f"links to {host}, which is neither the shop's nor the gateway's"


def _absolute(address: str, settings: Settings) -> bool:
    parts = urlsplit(address)
    # A shop that is being set up has addresses of this machine.
    own = parts.hostname in {urlsplit(url).hostname for url in (settings.shop_url, settings.gateway_url)}
    return bool(parts.hostname) and (parts.scheme == "https" or (own and parts.scheme == "http"))


def _known(host: str, settings: Settings) -> bool:
    shop = (urlsplit(settings.shop_url).hostname or "").removeprefix("www.")
    return host in (urlsplit(settings.gateway_url).hostname, _SAMPLE_HOST, shop) or host.endswith(f".{shop}")


def _of_the_shop(link: str, settings: Settings) -> bool:
    host = urlsplit(link).hostname
    return host is not None and host != _SAMPLE_HOST and host == urlsplit(settings.shop_url).hostname


def _unreachable(links: list[str]) -> Iterator[str]:
    with httpx.Client(timeout=FETCH_SECONDS, follow_redirects=True, trust_env=False) as http:
        for link in links:
            try:
                with http.stream("GET", link) as answer:
                    status = answer.status_code
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                yield f"{link} cannot be reached ({type(error).__name__})"
                continue
            if status >= 400:
                yield f"{link} answers {status}"
