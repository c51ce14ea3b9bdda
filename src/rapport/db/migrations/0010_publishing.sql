-- Layers that others read are built beside the published ones and take their place as a whole. What outlives a build
-- stands outside of them.
alter table segments.membership_history set schema identity;

alter default privileges for role transformer grant select on tables to engine;
alter default privileges for role transformer grant usage on schemas to engine;

-- Grain: one row a change of what is published. `relations` holds rows and a checksum for each table and view.
create table ops.publish_log (
    publish_id uuid primary key,
    kind text not null check (kind in ('publish', 'rollback')),
    build_id uuid not null,
    as_of timestamptz not null,
    version text not null,
    relations jsonb not null,
    published_at timestamptz not null default clock_timestamp()
);
create index on ops.publish_log (published_at desc);
