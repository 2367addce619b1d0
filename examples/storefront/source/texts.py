"""Texts that are odd but clean: whatever reads the shop must carry them through unchanged."""

import unicodedata

ODD_TEXTS = (
    "Ψωμί με ελιές",
    "藍染めの手ぬぐい 一枚",
    "Needle 🧵 and 👩🏽‍🌾 friends 🇳🇴",
    unicodedata.normalize("NFC", "Crème brûlée à l’Åland"),
    unicodedata.normalize("NFD", "Crème brûlée à l’Åland"),
    "مصباح أزرق صغير",
    "כובע צמר",
    'A 7" bowl, the potter\'s "second"',
    r"C:\new\table\u0041",
    "{cotton} {} {0} 100 % %s %(name)s ${price}",
    "<b>bold</b> & <i title='x'>slanted</i>",
    "=1+1",
    "-2+3",
    "@home",
    "Robert'); drop table students; --",
    "tab\there and a line\nbreak",
    "  blanks at both ends  ",
    "null",
    "NaN",
    "0042",
    "1e5",
    "İnce ıhlamur / Straße / ﬁne",
    "１２３ full width",
    "zero\u200bwidth and a\u00a0hard blank",
    "[1, 2], \"three\": {'four'}",
    "x" * 255,
)

FIRST_NAMES = ("Ada", "Bjørn", "Chidi", "Dalia", "Eira", "Farid", "Grażyna", "花子", "Ινώ", "Jürgen", "Lê", "نور")
LAST_NAMES = (
    "Okafor",
    "O'Neill",
    "Lindqvist",
    "Núñez",
    "山田",
    "Szczęsny",
    "van der Berg",
    "Παππά",
    "de Souza",
    "Khan",
)
STREETS = ("Harbour Street", "Nørregade", "Elm Avenue", "中央通り", "Rua da Praia", "Kirkegata", "Оливна вулиця")
CITIES = (
    ("Rochester", "New York", "US", "14604"),
    ("Buffalo", "New York", "US", "01420"),
    ("札幌市", "北海道", "JP", "060-0001"),
    ("Tromsø", "Troms", "NO", "9008"),
    ("São Luís", "Maranhão", "BR", "65010-000"),
    ("Thessaloníki", "", "GR", "546 24"),
)
GOODS = ("Lamp", "Bowl", "Scarf", "Notebook", "Kettle", "Chair", "Basket", "Clock", "Blanket", "Vase", "Knife", "Tray")
MAKERS = ("Northlight", "Studio Åse", "Kiln & Co.", "木工房", "Old Mill")
COLOURS = ("Indigo", "Moss", "Ochre", "雪白", "Rust", "Ink")

LONG_NOTE = ("Please leave the parcel with the neighbour — “the blue door”, not the red one. 🚪 " * 110)[:8192]
