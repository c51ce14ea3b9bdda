set local role transformer;

-- A customer_id, once given, is never reused; merged customers point at the one that lives on.
create table identity.customer_ids (
    customer_id text primary key,
    founded_by text not null,
    created_at timestamptz not null,
    merged_into text references identity.customer_ids
);

-- Grain: one row a profile (source and the source's own id).
create table identity.members (
    profile_key text primary key,
    customer_id text not null references identity.customer_ids,
    since_at timestamptz not null
);
create index on identity.members (customer_id);

create table identity.changes (
    change_id bigint generated always as identity primary key,
    kind text not null check (kind in ('create', 'join', 'merge', 'split', 'retire')),
    customer_id text not null,
    other_customer_id text,
    profile_key text,
    rule text,
    evidence jsonb not null default '{}',
    changed_at timestamptz not null
);
create index on identity.changes (customer_id);

create table segments.membership_history (
    customer_id text not null,
    segment text not null,
    since_at timestamptz not null,
    left_at timestamptz,
    primary key (customer_id, segment, since_at),
    check (left_at is null or left_at >= since_at)
);
create unique index on segments.membership_history (customer_id, segment) where left_at is null;
