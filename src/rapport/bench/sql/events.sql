-- name: plain_table
-- The columns of ops.webhook_inbox that an event fills, without its keys and indexes.
create table ops.bench_inbox (
    event_id text,
    event text,
    send_id uuid,
    attempt_no integer,
    raw jsonb,
    occurred_at timestamptz,
    received_at timestamptz
);

-- name: plain_copy
copy ops.bench_inbox from stdin;

-- name: kept
select count(*) as rows from ops.webhook_inbox;
