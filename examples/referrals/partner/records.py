"""The referrals that the partner has: made from a seed, odd as real ones are; and one that nobody can take."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

Record = dict[str, Any]

COUNT = 130
FIRST = datetime(2023, 11, 6, 8, 15, 27, 431000, UTC)
TYPES = ("Shared", "Independent", "Marketplace", "CoSell")
QUALIFICATIONS = ("Direct", "MarketplaceQualified", "SalesQualified")
STATUSES = {"New": ("Pending", "Received"), "Active": ("Accepted", "Engaged"), "Closed": ("Won", "Lost", "Expired")}

# A customer's name and the website as somebody typed it.
CUSTOMERS: tuple[tuple[str, str | None], ...] = (
    ("Contoso GmbH", "HTTPS://WWW.Contoso.example/de?x=1"),
    ("Contoso France", "www.contoso.example/fr"),
    ("Fabrikam, Inc.", "contact.fabrikam.example."),
    ("Münchner Rück-Verpackung", "münchen.example"),
    ("MÜNCHNER DRUCKEREI", "https://www.MÜNCHEN-druck.example:8443/start#oben"),
    ("Çağrı Yazılım A.Ş.", "http://çağrı.example/iletişim"),
    ("株式会社青空", "https://青空.example/"),
    ("Ελληνικά Τρόφιμα", "ελληνικά.example"),
    ("O'Brien & Sons", "  obrien-sons.example  "),
    ("Cafe\u0301 Lumie\u0300re", "http://cafe-lumiere.example:80"),
    ("Northwind Traders", None),
    ("Ahmet's Garage", None),
    ("Wide World Importers", "wideworldimporters.example/shop/index.html"),
    ("Tailspin Toys 🪁", "ftp://share.tailspin.example/pub"),
    ("“Quoted” Oy", "QUOTED.example."),
    ("Łódź Meble Sp. z o.o.", "www.łódź-meble.example"),
    ("شركة النور", "https://nour.example?lang=ar"),
    ("A. Datum Corporation", "https://sub.domain.adatum.example/"),
)
ODD_INSTANTS = (
    datetime(2024, 2, 29, 23, 59, 59, 999000, UTC),
    datetime(2025, 3, 30, 0, 59, 59, 999000, UTC),  # clocks go forward in Europe a millisecond later
    datetime(2025, 3, 30, 1, 30, 0, 0, UTC),
    datetime(2024, 10, 27, 0, 30, 0, 1000, UTC),  # an hour that Europe has twice
    datetime(2024, 12, 31, 23, 59, 59, 500000, UTC),
)
AMOUNTS = (
    ("1234.50", "EUR"),
    ("0", "USD"),
    ("98000", "JPY"),
    ("1250.125", "KWD"),
    ("98765432109876.5432", "USD"),
    ("0.01", "GBP"),
    (None, None),
)


def made(seed: int) -> list[Record]:
    random = Random(f"referrals {seed}")
    return [_record(place, random) for place in range(COUNT)]


def bad(seed: int) -> Record:
    """A referral without a type, which nobody can take."""
    return {**_record(COUNT, Random(f"a bad referral {seed}")), "type": None}


def added(place: int, seed: int, now: datetime, values: Record) -> Record:
    """A new referral, at the end of the list; `values` are laid over what it would be."""
    return {**_record(place, Random(f"referral {place} {seed}"), now), **values}


def changed(record: Record, random: Random, now: datetime) -> Record:
    """The same referral after somebody worked on it: another value, another status."""
    status = random.choice([status for status in STATUSES if status != record["status"]])
    details = {**record["details"], "dealValue": _hundredths(random), "currency": "EUR"}
    states = {"status": status, "substatus": random.choice(STATUSES[status])}
    return {**record, **states, "details": details, "updatedDateTime": text_of(now), "eTag": _tag(random)}


def _record(place: int, random: Random, at: datetime | None = None) -> Record:
    name, website = CUSTOMERS[place] if place < len(CUSTOMERS) else _customer(place, random)
    odd = place % 23
    if at is None:
        at = ODD_INSTANTS[odd] if odd < len(ODD_INSTANTS) else FIRST + timedelta(hours=131 * place, seconds=place)
        later = timedelta(seconds=random.randrange(3 * 10**6), milliseconds=random.randrange(1000))
    else:
        later = timedelta()
    status = random.choice(list(STATUSES))
    amount, currency = AMOUNTS[place % 29] if place % 29 < len(AMOUNTS) else (_hundredths(random), "EUR")
    return {
        "id": str(UUID(int=random.getrandbits(128), version=4)),
        "name": f"{name}: {random.choice(('migration', 'renewal', 'assessment'))}",
        "type": random.choice(TYPES),
        "qualification": random.choice(QUALIFICATIONS),
        "status": status,
        "substatus": random.choice(STATUSES[status]),
        "createdDateTime": text_of(at),
        "updatedDateTime": text_of(at + later),
        "customerProfile": {"name": name, "website": website, "team": [{"firstName": "Ay", "lastName": "Örnek"}]},
        "details": {"dealValue": None if amount is None else Decimal(amount), "currency": currency},
        "eTag": _tag(random),
    }


def _customer(place: int, random: Random) -> tuple[str, str]:
    name = f"{random.choice(('Adventure', 'Blue Yonder', 'Humongous', 'Proseware'))} {place}"
    host = name.lower().replace(" ", "-")
    forms = ("https://www.{}.example/", "{}.example", "HTTP://{}.Example", "www.{}.example.")
    return name, random.choice(forms).format(host)


def _hundredths(random: Random) -> Decimal:
    return Decimal(random.randrange(10**4, 10**8)).scaleb(-2)


def _tag(random: Random) -> str:
    return f'"{random.getrandbits(64):016x}"'


def text_of(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_number(value: Any) -> str:
    """For json.dumps, which has no number of exactly these digits: `with_numbers` takes the mark away."""
    if isinstance(value, Decimal):
        return f"number:{value}"
    raise TypeError(f"{type(value).__name__} is no JSON")


def with_numbers(text: str) -> str:
    return re.sub(r'"number:([0-9.]+)"', r"\1", text)
