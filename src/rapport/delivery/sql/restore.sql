-- name: meet_database
-- Which database this is: written down when it is first met. A restore, a failover or a clone is another one.
with here as (
    select jsonb_build_object(
        'system', (select control.system_identifier::text from pg_control_system() as control),
        'timeline', substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
        'database', (select pg_database.oid::text from pg_database where pg_database.datname = current_database())
    ) as identity
),

met as (
    insert into ops.control (name, value, changed_at)
    select
        'database_identity',
        here.identity,
        clock_timestamp()
    from here
    on conflict (name) do nothing
    returning control.value
)

select coalesce(
    (select met.value from met),
    (select control.value from ops.control as control where control.name = 'database_identity')
) = here.identity as same
from here;

-- name: identity
select
    (select control.system_identifier::text from pg_control_system() as control) as system,
    (select pg_database.oid::text from pg_database where pg_database.datname = current_database()) as database;

-- name: last_fence
select coalesce(pg_sequence_last_value('ops.fence'), 0)::bigint as fence;

-- name: suspicion
select control.value ->> 'because' as because
from ops.control as control
where control.name = 'restored';

-- name: suspect
insert into ops.control (name, value, changed_at)
values (
    'restored',
    jsonb_build_object('because', %(because)s::text, 'seen_at', clock_timestamp()),
    clock_timestamp()
)
on conflict (name) do nothing
returning name;

-- name: bound_doubt
-- Fixed by the first who comes: what falls due while nothing is sent is not in doubt.
update ops.control
set
    value = control.value
    || jsonb_build_object('due_until', coalesce((control.value ->> 'due_until')::timestamptz, %(now)s))
where name = 'restored'
returning (value ->> 'due_until')::timestamptz as due_until;

-- name: open_questions
-- Strangers are sends that the provider tells of and this ledger never planned.
select
    (select count(*) from ops.webhook_inbox as inbox where inbox.processed_at is null) as unread,
    (select count(*) from ops.send where state = 'unknown' and policy = 'at_most_once') as at_most_once,
    (select count(*) from ops.send where state = 'unknown' and policy = 'at_least_once') as at_least_once,
    (
        select count(distinct inbox.send_id)
        from ops.webhook_inbox as inbox
        where
            inbox.received_at > coalesce((select max(adoption.recorded_at) from ops.adoption), '-infinity')
            and not exists (select 1 from ops.send where send.send_id = inbox.send_id)
    ) as strangers;

-- name: record_adoption
insert into ops.adoption (adoption_id, adopted_by, adopted_at, forced, details)
values (%(adoption_id)s, %(who)s, %(now)s, %(forced)s, %(details)s);

-- name: forget_database
-- The next session meets it anew.
delete from ops.control
where name in ('restored', 'database_identity');

-- name: lift_fence
-- Above every fence that the ledger that was lost can have handed out, and so above every mark of it.
select setval('ops.fence', greatest(coalesce(pg_sequence_last_value('ops.fence'), 0), %(mark)s) + 1000000000);
