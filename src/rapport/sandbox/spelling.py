"""How one person comes to be written in several ways: names, addresses and phone numbers as people type them."""

from __future__ import annotations

import random
import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

# Names reserved by RFC 2606: whatever a real key is connected to by mistake, no stranger gets mail.
DOMAINS = ("brightmail.example", "post.example", "inbox.example", "example.com", "example.org", "webmail.example")


def _letters(pairs: str) -> dict[str, str]:
    """Each word: a letter, then its Latin spelling."""
    return {pair[0]: pair[1:] for pair in pairs.split()}


_CYRILLIC = _letters(
    "аa бb вv гg дd еe жzh зz иi йy кk лl мm нn оo пp рr сs тt уu фf хh цts чch шsh щsht ъa ыy ьy эe юyu яya"
)
_ARABIC = _letters(
    "اa بb تt ثt جj حh خk دd ذd رr زz سs شs صs ضd طt ظz عa غg فf قq كk لl مm نn هh وw يy ءa آa أa إi ؤw ئy ىa ةa"
)
_LATIN = _letters("łl ßss øo æae đd œoe ıi")
_LETTERS = _CYRILLIC | _ARABIC | _LATIN

_SHORT_FORMS = {
    "Robert": "Bob", "William": "Bill", "Elizabeth": "Liz", "Katherine": "Kate", "Thomas": "Tom", "Andrew": "Andy",
    "Michael": "Mike", "Christopher": "Chris", "Jennifer": "Jen", "Rebecca": "Becky", "Matthew": "Matt",
    "Alexander": "Alex", "Joseph": "Joe", "Daniel": "Dan", "Samuel": "Sam", "Victoria": "Vicky", "Susan": "Sue",
    "Deborah": "Debbie", "Nicholas": "Nick", "Benjamin": "Ben", "Timothy": "Tim", "Patricia": "Pat",
    "Maximilian": "Max", "Katarzyna": "Kasia", "Małgorzata": "Gosia", "Aleksandra": "Ola",
}  # fmt: skip


def slug(name: str) -> str:
    """Lower-case ASCII letters and digits of a name in Latin, Cyrillic or Arabic letters; '' if none is left."""
    spelled = "".join(_LETTERS.get(letter, letter) for letter in name.lower())
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", plain)


def without_accents(name: str) -> str:
    """`José Müller` as somebody types it who has no such keys: `Jose Muller`. Other scripts stay."""
    decomposed = unicodedata.normalize("NFD", name.replace("ł", "l").replace("Ł", "L").replace("ß", "ss"))
    kept = (c for c in decomposed if not ("̀" <= c <= "ͯ"))
    return unicodedata.normalize("NFC", "".join(kept))


def email_local(rng: random.Random, first: str, last: str) -> str:
    """The part before the @ that somebody of this (ASCII) name takes."""
    pattern = rng.choice(("{f}.{l}", "{f}.{l}", "{f}{l}", "{i}{l}", "{i}.{l}", "{l}.{f}", "{f}_{l}", "{f}{y}"))
    return pattern.format(f=first, l=last, i=first[:1], y=rng.randint(60, 99))


def other_email(rng: random.Random, email: str, first: str, last: str) -> str:
    """A second spelling: a plus tag, dots moved, capitals, or another mailbox altogether."""
    local, domain = email.split("@")
    kind = rng.random()
    if kind < 0.35:
        return f"{local}+{rng.choice(('shop', 'news', 'orders', 'kitchen'))}@{domain}"
    if kind < 0.55:
        return email.title().replace("Example.Com", "example.com")
    others = [name for name in DOMAINS if name != domain]
    if kind < 0.75:
        return f"{local}@{rng.choice(others)}"
    return f"{email_local(rng, first, last)}{rng.randint(100, 999)}@{rng.choice(others)}"


def new_phone(rng: random.Random, country: str) -> str:
    """A valid mobile number of the country in E.164."""
    example = phonenumbers.example_number_for_type(country, PhoneNumberType.MOBILE)
    if example is None:
        raise ValueError(f"no mobile numbers known for {country}")
    base = str(example.national_number)
    for _ in range(50):
        national = int(base[:-6] + f"{rng.randrange(1_000_000):06d}")
        number = phonenumbers.PhoneNumber(country_code=example.country_code, national_number=national)
        if phonenumbers.is_valid_number(number):
            return f"+{number.country_code}{national}"
    return f"+{example.country_code}{base}"


def other_phone(rng: random.Random, e164: str) -> str:
    """The same number as people write it: national, international with spaces, with 00, with hyphens."""
    number = phonenumbers.parse(e164)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    return rng.choice(
        (
            national,
            national,
            international,
            "00" + e164[1:],
            international.replace(" ", "-"),
            re.sub(r"\D", "", national),
        )
    )


def other_name(rng: random.Random, first: str, last: str) -> str:
    """The full name as a support desk knows it: initial, order turned, lower case, short form, accents lost."""
    kind = rng.random()
    if kind < 0.35:
        return f"{first} {last}"
    if kind < 0.50:
        return without_accents(f"{first} {last}")
    if kind < 0.62:
        return f"{first[:1]}. {last}"
    if kind < 0.72:
        return f"{last}, {first}"
    if kind < 0.84:
        return f"{first} {last}".lower()
    if kind < 0.94:
        return f"{_SHORT_FORMS.get(first, first)} {last}"
    return first


def misspelt(rng: random.Random, word: str) -> str:
    """`word` with one typing slip: two letters swapped, one lost or one doubled."""
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 2)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]
