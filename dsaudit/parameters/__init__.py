"""The parameter file: one YAML file describes one system under audit."""

from dsaudit.parameters.models import Parameters, Resource, Tenant
from dsaudit.parameters.reading import ParameterError, find, load, project_root

__all__ = ["ParameterError", "Parameters", "Resource", "Tenant", "find", "load", "project_root"]
