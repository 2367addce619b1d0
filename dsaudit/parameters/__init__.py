"""The parameter file: one YAML file describes one system under audit."""

from dsaudit.parameters.models import Parameters, Resource, Tenant
from dsaudit.parameters.part import Part, PartError, narrowed
from dsaudit.parameters.reading import ParameterError, find, load, project_root

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
    "project_root",
]
