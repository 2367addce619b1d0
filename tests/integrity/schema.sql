create table crewai_flow_state_extensions (
  id uuid primary key, flow_id uuid not null unique, client_account_id uuid not null, engagement_id uuid not null,
  flow_type text not null, flow_name text, flow_status text not null, created_at timestamptz not null default now(),
  completed_at timestamptz, check (completed_at is null or completed_at >= created_at),
  check (flow_status in ('active', 'completed', 'failed')));
create table data_imports (
  id uuid primary key, client_account_id uuid not null, engagement_id uuid not null,
  master_flow_id uuid not null references crewai_flow_state_extensions on delete cascade,
  filename text, total_records integer not null check (total_records >= 0));
create table raw_import_records (
  id uuid primary key, client_account_id uuid not null, engagement_id uuid not null,
  data_import_id uuid not null references data_imports on delete cascade,
  master_flow_id uuid references crewai_flow_state_extensions on delete cascade,
  row_number integer not null check (row_number > 0), raw_data jsonb not null, unique (data_import_id, row_number));
create table discovery_flows (
  id uuid primary key, flow_id uuid not null unique, client_account_id uuid not null, engagement_id uuid not null,
  master_flow_id uuid references crewai_flow_state_extensions on delete set null,
  data_import_id uuid references data_imports on delete set null,
  progress numeric(5, 2) check (progress between 0 and 100));
create table assets (
  id uuid primary key, client_account_id uuid not null, engagement_id uuid not null,
  master_flow_id uuid references crewai_flow_state_extensions on delete cascade,
  discovery_flow_id uuid references discovery_flows (flow_id) on delete set null,
  raw_import_record_id uuid references raw_import_records on delete set null,
  name text not null, asset_type text not null check (asset_type in ('server', 'database', 'application')),
  cpu_cores integer check (cpu_cores > 0), unique (client_account_id, engagement_id, name));
create index on data_imports (master_flow_id);
create index on raw_import_records (master_flow_id) where master_flow_id is not null;
create index on discovery_flows (master_flow_id);
create index on discovery_flows (data_import_id) include (progress);
create index on assets using hash (master_flow_id);
create index on assets (discovery_flow_id, name);
create index on assets (raw_import_record_id);
