"""What the system's own API serves, held beside the tables that it serves."""

from dsaudit.facts.served.asking import Api, Heard
from dsaudit.facts.served.looking import Part, Served, served
from dsaudit.facts.served.owners import Owner
from dsaudit.facts.served.trying import ways

__all__ = ["Api", "Heard", "Owner", "Part", "Served", "served", "ways"]
