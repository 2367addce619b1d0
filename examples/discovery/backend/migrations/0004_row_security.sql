-- A session sees the rows of the client and the engagement that it names, and no rows where it names none.

alter table crewai_flow_state_extensions enable row level security;
alter table crewai_flow_state_extensions force row level security;
create policy tenant_isolation on crewai_flow_state_extensions
    using (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    )
    with check (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    );

alter table data_imports enable row level security;
alter table data_imports force row level security;
create policy tenant_isolation on data_imports
    using (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    )
    with check (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    );

alter table raw_import_records enable row level security;
alter table raw_import_records force row level security;
create policy tenant_isolation on raw_import_records
    using (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    )
    with check (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    );

alter table discovery_flows enable row level security;
alter table discovery_flows force row level security;
create policy tenant_isolation on discovery_flows
    using (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    )
    with check (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    );

alter table assets enable row level security;
alter table assets force row level security;
create policy tenant_isolation on assets
    using (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    )
    with check (
        client_account_id = nullif(current_setting('app.client_account_id', true), '')::uuid
        and engagement_id = nullif(current_setting('app.engagement_id', true), '')::uuid
    );
