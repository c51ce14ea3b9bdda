"""Where the simulated people live: countries with real cities, their time zones, languages and Faker locales."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """`cities` are (name, IANA time zone); `weight` is the share of people in per mille."""

    code: str
    faker_locale: str
    locale: str
    weight: int
    cities: tuple[tuple[str, str], ...]
    name: str

    @property
    def language(self) -> str:
        return self.locale.split("-")[0]


def _one_zone(zone: str, *names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, zone) for name in names)


COUNTRIES: tuple[Country, ...] = (
    Country(
        "GB", "en_GB", "en-GB", 300,
        _one_zone("Europe/London", "London", "Leeds", "Bristol", "Glasgow", "Cardiff", "Manchester", "Norwich"),
        "United Kingdom",
    ),
    Country(
        "DE", "de_DE", "de-DE", 140,
        _one_zone("Europe/Berlin", "Berlin", "Köln", "München", "Leipzig", "Düsseldorf", "Kiel"),
        "Germany",
    ),
    Country(
        "FR", "fr_FR", "fr-FR", 100,
        _one_zone("Europe/Paris", "Paris", "Lyon", "Besançon", "Nîmes", "Orléans", "Brest"),
        "France",
    ),
    Country(
        "US", "en_US", "en-US", 130,
        (
            ("New York", "America/New_York"), ("Boston", "America/New_York"), ("Chicago", "America/Chicago"),
            ("Austin", "America/Chicago"), ("Denver", "America/Denver"), ("Phoenix", "America/Phoenix"),
            ("Seattle", "America/Los_Angeles"), ("San Diego", "America/Los_Angeles"),
            ("Honolulu", "Pacific/Honolulu"),
        ),
        "United States",
    ),
    Country("PL", "pl_PL", "pl-PL", 60, _one_zone("Europe/Warsaw", "Warszawa", "Łódź", "Kraków", "Gdańsk"), "Poland"),
    Country("ES", "es_ES", "es-ES", 45, _one_zone("Europe/Madrid", "Madrid", "Málaga", "León", "Sevilla"), "Spain"),
    Country("IT", "it_IT", "it-IT", 40, _one_zone("Europe/Rome", "Roma", "Milano", "Forlì", "Torino"), "Italy"),
    Country("NL", "nl_NL", "nl-NL", 30, _one_zone("Europe/Amsterdam", "Amsterdam", "Utrecht", "Den Haag"),
            "Netherlands"),
    Country("SE", "sv_SE", "sv-SE", 25, _one_zone("Europe/Stockholm", "Stockholm", "Malmö", "Göteborg"), "Sweden"),
    Country("JP", "ja_JP", "ja-JP", 40, _one_zone("Asia/Tokyo", "東京", "大阪市", "札幌市", "京都市"), "Japan"),
    Country("BG", "bg_BG", "bg-BG", 25, _one_zone("Europe/Sofia", "София", "Пловдив", "Варна"), "Bulgaria"),
    Country("AE", "ar_AA", "ar-AE", 30, _one_zone("Asia/Dubai", "دبي", "أبوظبي", "الشارقة"), "United Arab Emirates"),
    Country(
        "AU", "en_AU", "en-AU", 20,
        (
            ("Sydney", "Australia/Sydney"), ("Melbourne", "Australia/Melbourne"), ("Perth", "Australia/Perth"),
            ("Brisbane", "Australia/Brisbane"), ("Adelaide", "Australia/Adelaide"),
        ),
        "Australia",
    ),
    Country(
        "CA", "en_CA", "en-CA", 15,
        (
            ("Toronto", "America/Toronto"), ("Calgary", "America/Edmonton"), ("Vancouver", "America/Vancouver"),
            ("Halifax", "America/Halifax"), ("St. John's", "America/St_Johns"),
        ),
        "Canada",
    ),
)  # fmt: skip

BY_CODE: dict[str, Country] = {country.code: country for country in COUNTRIES}
