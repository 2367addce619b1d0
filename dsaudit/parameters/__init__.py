"""The parameter file: one YAML file describes one system under audit."""

from dsaudit.parameters.models import Parameters, Tenant
from dsaudit.parameters.part import Part, PartError, narrowed
from dsaudit.parameters.reading import ParameterError, find, load, place_of, project_root
from dsaudit.parameters.resource import Resource

__all__ = [
    "ParameterError",
    "Parameters",
    "Part",
    "PartError",
    "Resource",
    "Tenant",
    "find",
    "load",
    "narrowed",
    "place_of",
    "project_root",
]
