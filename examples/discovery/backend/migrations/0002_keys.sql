alter table crewai_flow_state_extensions
    add constraint pk_crewai_flow_state_extensions primary key (id),
    add constraint uq_crewai_flow_state_extensions_flow_id unique (flow_id);

alter table data_imports
    add constraint pk_data_imports primary key (id),
    add constraint fk_data_imports_master_flow_id
        foreign key (master_flow_id) references crewai_flow_state_extensions (id) on delete cascade;

alter table raw_import_records
    add constraint pk_raw_import_records primary key (id),
    add constraint uq_raw_import_records_row unique (data_import_id, row_number),
    add constraint fk_raw_import_records_data_import_id
        foreign key (data_import_id) references data_imports (id) on delete cascade,
    add constraint fk_raw_import_records_master_flow_id
        foreign key (master_flow_id) references crewai_flow_state_extensions (id) on delete cascade;

alter table discovery_flows
    add constraint pk_discovery_flows primary key (id),
    add constraint uq_discovery_flows_flow_id unique (flow_id),
    add constraint fk_discovery_flows_master_flow_id
        foreign key (master_flow_id) references crewai_flow_state_extensions (id) on delete set null,
    add constraint fk_discovery_flows_data_import_id
        foreign key (data_import_id) references data_imports (id) on delete set null;

alter table assets
    add constraint pk_assets primary key (id),
    add constraint uq_assets_name unique (client_account_id, engagement_id, name),
    add constraint fk_assets_master_flow_id
        foreign key (master_flow_id) references crewai_flow_state_extensions (id) on delete cascade,
    add constraint fk_assets_discovery_flow_id
        foreign key (discovery_flow_id) references discovery_flows (flow_id) on delete set null,
    add constraint fk_assets_raw_import_record_id
        foreign key (raw_import_record_id) references raw_import_records (id) on delete set null;
