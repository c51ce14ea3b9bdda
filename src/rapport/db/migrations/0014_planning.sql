-- Planning by sets: people wait in a temporary table while they are judged.
do $$
begin
    execute format('grant temporary on database %I to engine', current_database());
end
$$;

-- The identifier of a send where sends are made many at a time: its first 48 bits are the time, so that those made
-- together lie together. The built-in function of this kind exists from Postgres 18 on only.
create function ops.uuid7() returns uuid
language sql volatile parallel safe
as $$
    select encode(
        set_bit(
            set_bit(
                overlay(
                    uuid_send(gen_random_uuid())
                    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                    from 1 for 6
                ),
                52, 1
            ),
            53, 1
        ),
        'hex'
    )::uuid
$$;

alter table ops.decision drop constraint decision_outcome_check;
alter table ops.decision add constraint decision_outcome_check check (outcome in (
    'planned', 'no_address', 'excluded', 'suppressed', 'no_consent', 'duplicate_address', 'no_window', 'missing_field',
    'capped', 'displaced', 'global_holdout', 'holdout', 'over_limit', 'exited'
));
