-- What a client's data centres hold, from the import of a file to the assets that are found in it. Keys, foreign keys
-- and indexes come after the first data, as in a restored dump.
create table crewai_flow_state_extensions (
    id uuid not null,
    flow_id uuid not null,
    client_account_id uuid not null,
    engagement_id uuid not null,
    user_id text,
    flow_type text not null,
    flow_name text,
    flow_status text not null,
    flow_configuration jsonb not null default '{}',
    flow_persistence_data jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    constraint ck_crewai_flow_state_extensions_flow_status check (
        flow_status in ('initialized', 'active', 'processing', 'paused', 'completed', 'failed', 'cancelled')
    ),
    constraint ck_crewai_flow_state_extensions_completed_at check (completed_at is null or completed_at >= created_at)
);

create table data_imports (
    id uuid not null,
    client_account_id uuid not null,
    engagement_id uuid not null,
    master_flow_id uuid not null,
    import_name text,
    import_type text not null,
    filename text,
    file_size bigint,
    status text not null,
    total_records integer not null default 0,
    processed_records integer not null default 0,
    failed_records integer not null default 0,
    created_at timestamptz not null default now(),
    completed_at timestamptz,
    constraint ck_data_imports_file_size check (file_size >= 0),
    constraint ck_data_imports_status check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    constraint ck_data_imports_total_records check (total_records >= 0),
    constraint ck_data_imports_processed_records check (processed_records between 0 and total_records),
    constraint ck_data_imports_failed_records check (failed_records between 0 and processed_records),
    constraint ck_data_imports_completed_at check (completed_at is null or completed_at >= created_at)
);

create table raw_import_records (
    id uuid not null,
    client_account_id uuid not null,
    engagement_id uuid not null,
    data_import_id uuid not null,
    master_flow_id uuid,
    row_number integer not null,
    raw_data jsonb not null,
    is_processed boolean not null default false,
    is_valid boolean,
    created_at timestamptz not null default now(),
    constraint ck_raw_import_records_row_number check (row_number > 0)
);

create table discovery_flows (
    id uuid not null,
    flow_id uuid not null,
    client_account_id uuid not null,
    engagement_id uuid not null,
    master_flow_id uuid,
    data_import_id uuid,
    flow_name text,
    status text not null,
    progress_percentage numeric(5, 2) not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    completed_at timestamptz,
    constraint ck_discovery_flows_status check (
        status in ('initialized', 'active', 'processing', 'paused', 'completed', 'failed', 'cancelled')
    ),
    constraint ck_discovery_flows_progress_percentage check (progress_percentage between 0 and 100),
    constraint ck_discovery_flows_completed_at check (completed_at is null or completed_at >= created_at)
);

create table assets (
    id uuid not null,
    client_account_id uuid not null,
    engagement_id uuid not null,
    master_flow_id uuid,
    discovery_flow_id uuid,
    raw_import_record_id uuid,
    name text not null,
    asset_type text not null,
    hostname text,
    ip_address inet,
    operating_system text,
    environment text,
    cpu_cores integer,
    memory_gb numeric(10, 2),
    custom_attributes jsonb,
    status text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ck_assets_cpu_cores check (cpu_cores > 0),
    constraint ck_assets_status check (status in ('discovered', 'assessed', 'planned', 'migrated', 'archived'))
);
