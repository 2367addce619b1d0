"""Pushes one import through the system's own API, follows it from hop to hop, and takes it away again."""

from dsaudit.pushing.act import pushed, pushed_before

__all__ = ["pushed", "pushed_before"]
