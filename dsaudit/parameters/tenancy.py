"""The section ``tenancy``: what tells whose a row is, and what keeps the tenants apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from dsaudit.parameters.section import Names, Pattern, Section

if TYPE_CHECKING:
    from dsaudit.parameters.models import Parameters


class Tenancy(Section):
    """The columns that every resource has to tell whose its rows are, and how the database keeps tenants apart.

    `columns` are all of them; the first holds an id of `tenants`, and is called otherwise in a resource whose `tenant`
    says so. `settings` are those by which the policies know the tenant, such as ``app.client_account_id``, by column.
    `role` matches the whole name of the role, or roles, that the application connects as. `shared` are the resources
    whose rows belong to nobody and may be seen by all, such as a list of countries: none of this is asked of them.
    """

    columns: Names = Field(min_length=1)
    settings: dict[str, str] = {}
    role: Pattern | None = None
    shared: list[str] = []

    @model_validator(mode="after")
    def _of_columns(self) -> Tenancy:
        strange = next((name for name in self.settings if name not in self.columns), None)
        if strange:
            raise ValueError(f"settings: {strange} is none of `columns`")
        return self


def tenancy_columns(parameters: Parameters, resource: str) -> dict[str, str | None]:
    """Return the columns that tell whose a resource's rows are, each with the setting by which policies know it.

    A resource that is shared by all tenants has none.
    """
    tenancy, tenant = parameters.tenancy, parameters.resources[resource].tenant
    if tenancy is None:
        return {tenant: None} if tenant else {}
    if resource in tenancy.shared:
        return {}
    first, *others = tenancy.columns
    named = {tenant or first: tenancy.settings.get(first)}
    return named | {name: tenancy.settings.get(name) for name in others}
