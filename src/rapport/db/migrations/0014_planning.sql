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

-- Whether a message that is about to leave would break its campaign's cap or one of the shop's, which the planner keeps
-- in ops.control. Counts what has left, or may have. `is_asked_for`: a confirmation, which no rule of the shop holds back.
create function ops.cap_reached(message ops.send, own_cap jsonb, is_asked_for boolean) returns boolean
language sql stable
as $$
    select exists (
        select 1
        from (
            select own_cap as cap, message.topic as topic
            where jsonb_typeof(own_cap) = 'object'
            union all
            select shops.cap, shops.cap ->> 'topic'
            from ops.control as control
            cross join lateral jsonb_array_elements(control.value) as shops (cap)
            -- What must be delivered is under its campaign's cap alone.
            where control.name = 'caps' and message.policy = 'at_most_once' and not is_asked_for
        ) as rule
        where
            (rule.topic is null or rule.topic = message.topic)
            and (rule.cap ->> 'max')::integer <= (
                select count(*)
                from ops.send as past
                where
                    past.recipient_key = message.recipient_key
                    and (past.topic = message.topic or (rule.topic is null and past.policy = 'at_most_once'))
                    and past.send_id != message.send_id
                    and past.state in ('sending', 'unknown', 'accepted', 'quarantined')
                    and past.due_at > message.due_at - make_interval(days => (rule.cap ->> 'days')::integer)
            )
    )
$$;
