create index ix_crewai_flow_state_extensions_tenant on crewai_flow_state_extensions (client_account_id, engagement_id);
create index ix_data_imports_tenant on data_imports (client_account_id, engagement_id);
create index ix_raw_import_records_tenant on raw_import_records (client_account_id, engagement_id);
create index ix_discovery_flows_tenant on discovery_flows (client_account_id, engagement_id);
create index ix_assets_tenant on assets (client_account_id, engagement_id);

create index ix_data_imports_master_flow_id on data_imports (master_flow_id);
create index ix_raw_import_records_data_import_id on raw_import_records (data_import_id);
create index ix_raw_import_records_master_flow_id on raw_import_records (master_flow_id);
create index ix_discovery_flows_master_flow_id on discovery_flows (master_flow_id);
create index ix_discovery_flows_data_import_id on discovery_flows (data_import_id);
create index ix_assets_master_flow_id on assets (master_flow_id);
create index ix_assets_discovery_flow_id on assets (discovery_flow_id);
create index ix_assets_raw_import_record_id on assets (raw_import_record_id);
