"""The rate limit of one shop: a bucket that leaks."""

import time


class LeakyBucket:
    def __init__(self, size: int, rate: float) -> None:
        self.size = size
        self.rate = rate
        self.level = 0.0
        self.seen = time.monotonic()

    def pour(self) -> float:
        """Count one request; how many seconds to wait if it does not fit, else zero."""
        now = time.monotonic()
        self.level = max(0.0, self.level - (now - self.seen) * self.rate)
        self.seen = now
        if self.level + 1 > self.size:
            return max(0.001, (self.level + 1 - self.size) / self.rate)
        self.level += 1
        return 0.0

    @property
    def state(self) -> str:
        return f"{min(self.size, max(1, round(self.level)))}/{self.size}"
