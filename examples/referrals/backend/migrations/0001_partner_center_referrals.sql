create table partner_center_referrals (
    id bigserial primary key,
    referral_id text not null,
    referral_type text not null,
    company_name text,
    domain text,
    status text not null,
    deal_value numeric(18, 4),
    currency text,
    source_created_at timestamptz,
    source_updated_at timestamptz,
    synced_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint uq_partner_center_referrals_referral_id unique (referral_id)
);
create index ix_partner_center_referrals_domain on partner_center_referrals (domain);

create table partner_center_sync_runs (
    id bigserial primary key,
    resource text not null,
    task_id text not null,
    trigger text,
    status text not null,
    feature_flag_state text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    fetched integer,
    pages integer,
    new_count integer,
    updated_count integer,
    skipped_count integer,
    failed_count integer,
    error text
);
create index ix_partner_center_sync_runs_started_at on partner_center_sync_runs (started_at);

create view leads_ready as
    select referral_id, domain, company_name, referral_type, status
    from partner_center_referrals
    where domain is not null and status <> 'Closed';
