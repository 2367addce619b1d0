"""What every builder needs: the shop, its ids, its clock face and a source of choice."""

import random
from dataclasses import dataclass

from ..catalogue import Shop
from ..texts import ODD_TEXTS
from ..values import Ids, instant, money


@dataclass
class Maker:
    shop: Shop
    ids: Ids
    random: random.Random

    def id(self, kind: str) -> int:
        return self.ids.next(self.shop, kind)

    def at(self, seconds: int) -> str:
        return instant(seconds, self.shop.zone)

    def money(self, minor: int) -> str:
        return money(minor, self.shop.currency)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def text(self, ordinary: str, odd_share: float = 0.1) -> str:
        """The ordinary text, or now and then one that careless code would damage."""
        return self.random.choice(ODD_TEXTS) if self.chance(odd_share) else ordinary

    def seldom(self, text: str) -> str | None:
        """The text, an empty string or null: three things that must stay apart."""
        draw = self.random.random()
        return text if draw < 0.5 else "" if draw < 0.75 else None
