"""The references between the tables, as the migrations make them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A column that refers to another table's, and what the parameter file calls both."""

    child: str
    table: str
    column: str
    parent: str
    parent_table: str
    parent_column: str
    on_delete: str

    @property
    def relation(self) -> str:
        return f"{self.child}.{self.column} → {self.parent}.{self.parent_column}"

    @property
    def constraint(self) -> str:
        return f"fk_{self.table}_{self.column}"

    @property
    def index(self) -> str:
        return f"ix_{self.table}_{self.column}"

    def dropped(self) -> str:
        return f"alter table {self.table} drop constraint {self.constraint}"

    def added(self, on_delete: str | None = None, more: str = "") -> str:
        """The statement that adds the foreign key, with another rule than its own if one is given."""
        return f"""alter table {self.table} add constraint {self.constraint}
            foreign key ({self.column}) references {self.parent_table} ({self.parent_column})
            on delete {on_delete or self.on_delete} {more}"""


MASTER_FLOW = ("master_flow", "crewai_flow_state_extensions", "id")
DATA_IMPORT = ("data_import", "data_imports", "id")
IMPORT_OF_MASTER = Reference("data_import", "data_imports", "master_flow_id", *MASTER_FLOW, "cascade")
FLOW_OF_MASTER = Reference("discovery_flow", "discovery_flows", "master_flow_id", *MASTER_FLOW, "set null")
ASSET_OF_MASTER = Reference("asset", "assets", "master_flow_id", *MASTER_FLOW, "cascade")
FLOW_OF_IMPORT = Reference("discovery_flow", "discovery_flows", "data_import_id", *DATA_IMPORT, "set null")
ASSET_OF_FLOW = Reference(
    "asset", "assets", "discovery_flow_id", "discovery_flow", "discovery_flows", "flow_id", "set null"
)
RECORD_OF_IMPORT = Reference("raw_import_record", "raw_import_records", "data_import_id", *DATA_IMPORT, "cascade")
RECORD_OF_MASTER = Reference("raw_import_record", "raw_import_records", "master_flow_id", *MASTER_FLOW, "cascade")
ASSET_OF_RECORD = Reference(
    "asset", "assets", "raw_import_record_id", "raw_import_record", "raw_import_records", "id", "set null"
)
REFERENCES = (
    *(IMPORT_OF_MASTER, FLOW_OF_MASTER, ASSET_OF_MASTER, FLOW_OF_IMPORT),
    *(ASSET_OF_FLOW, RECORD_OF_IMPORT, RECORD_OF_MASTER, ASSET_OF_RECORD),
)
RESOURCES = {
    "master_flow": "crewai_flow_state_extensions",
    "data_import": "data_imports",
    "raw_import_record": "raw_import_records",
    "discovery_flow": "discovery_flows",
    "asset": "assets",
}
