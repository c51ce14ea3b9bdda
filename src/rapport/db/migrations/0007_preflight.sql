-- Grain: one row a run of `rapport preflight`. The dispatcher asks for the newest one of its own settings; the engine
-- writes by the default privileges of schema ops, and what a run said is never changed.
create table ops.preflight_run (
    preflight_run_id uuid primary key,
    ran_at timestamptz not null,
    passed boolean not null,
    settings_sha256 text not null,
    verdicts jsonb not null
);
create index on ops.preflight_run (settings_sha256, ran_at desc);
revoke update, delete on ops.preflight_run from engine;
