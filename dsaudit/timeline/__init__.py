"""One record's whole story: from its change at the source to its refined row, and what is wrong with it now."""

from dsaudit.timeline.finding import StoryError
from dsaudit.timeline.story import Story
from dsaudit.timeline.telling import stories, told

__all__ = ["Story", "StoryError", "stories", "told"]
