-- What the provider's events and lists prove about people, campaigns and the ledger itself.

-- The order of precedence, from what holds longest. 'provider_list': the provider refuses the address and does not say why.
alter table ops.suppression drop constraint suppression_reason_check;
alter table ops.suppression add constraint suppression_reason_check check (reason in (
    'erasure', 'manual', 'unsubscribe', 'complaint', 'hard_bounce', 'provider_list', 'soft_bounce', 'sunset'
));

-- Why nothing may go to this person on this topic, the first reason first; no row when nothing stands against it.
-- A cancelled topic, a sunset and soft bounces give way to a later double opt-in, and to nothing else: the person
-- confirmed from that very mailbox. Everything else is for ever. See docs/suppression.md.
create function ops.suppression_in_force(of_recipient text, of_topic text, as_of timestamptz)
returns table (precedence smallint, reason text, topic text, source text, occurred_at timestamptz)
language sql stable
as $$
    select
        (case
            when stop.reason = 'erasure' then 1
            when stop.reason = 'manual' then 2
            when stop.reason = 'unsubscribe' and stop.topic = '*' then 3
            when stop.reason = 'complaint' then 4
            when stop.reason = 'hard_bounce' then 5
            when stop.reason = 'provider_list' then 6
            when stop.reason = 'soft_bounce' then 7
            when stop.reason = 'unsubscribe' then 8
            else 9
        end)::smallint as precedence,
        stop.reason,
        stop.topic,
        stop.source,
        stop.occurred_at
    from ops.suppression as stop
    where
        stop.recipient_key = of_recipient
        and stop.topic in ('*', of_topic)
        and not (
            (stop.reason in ('soft_bounce', 'sunset') or (stop.reason = 'unsubscribe' and stop.topic != '*'))
            and exists (
                select 1
                from ops.consent_fact as fact
                where
                    fact.recipient_key = of_recipient
                    -- Any confirmation proves that the mailbox takes mail; only one of the topic wants the topic.
                    and (fact.topic = of_topic or stop.reason = 'soft_bounce')
                    and fact.granted
                    and fact.how = 'double_opt_in'
                    and fact.occurred_at > stop.occurred_at
                    and fact.occurred_at <= as_of
            )
        )
    order by 1, 5
$$;

-- Grain: one event that speaks against an address or against us. Append-only; what it means for people and campaigns
-- is always counted from all of it, so order and repetition cannot matter.
create table ops.feedback (
    event_id text primary key,
    -- In the order of arrival: the reconcilers write one at a time.
    position bigint generated always as identity,
    send_id uuid not null references ops.send,
    campaign_id text not null,
    occurrence_key text not null,
    recipient_key text not null,
    kind text not null check (kind in ('complaint', 'hard_bounce', 'soft_bounce', 'block')),
    occurred_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp()
);
create index on ops.feedback (position);
create index on ops.feedback (recipient_key, occurred_at) where kind = 'soft_bounce';
create index on ops.feedback (send_id);

-- Grain: one time that rates of complaints, bounces or blocks warned, paused a campaign or stopped all marketing.
create table ops.breaker_trip (
    trip_id uuid primary key,
    scope text not null check (scope in ('occurrence', 'campaign', 'marketing')),
    campaign_id text references ops.campaign,
    occurrence_key text,
    measure text not null check (measure in ('complaints', 'hard_bounces', 'blocks')),
    level text not null check (level in ('warn', 'pause', 'stop')),
    reason text not null,
    figures jsonb not null,
    -- The shop's local day, so that a warning is given once a day.
    tripped_on date not null,
    tripped_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    check ((scope = 'marketing') = (campaign_id is null)),
    check ((scope = 'occurrence') = (occurrence_key is not null))
);
create unique index breaker_warns_once_a_day
on ops.breaker_trip (scope, coalesce(campaign_id, ''), coalesce(occurrence_key, ''), measure, tripped_on)
where level = 'warn';
create index on ops.breaker_trip (campaign_id, recorded_at);

-- A person has looked at it. What came in before counts no more. Null campaign: all marketing.
create table ops.breaker_reset (
    reset_id uuid primary key,
    campaign_id text references ops.campaign,
    reset_by text not null check (reset_by != ''),
    recorded_at timestamptz not null default clock_timestamp()
);
create index on ops.breaker_reset (campaign_id, recorded_at);

-- Grain: one time that a database which was restored was taken into use again. Silence about an attempt made before
-- proves nothing: the events that told of it may be lost with what came after the backup.
create table ops.adoption (
    adoption_id uuid primary key,
    adopted_by text not null check (adopted_by != ''),
    adopted_at timestamptz not null,
    forced boolean not null,
    details jsonb not null,
    recorded_at timestamptz not null default clock_timestamp()
);

create index send_accepted on ops.send (accepted_at) where state = 'accepted';
create index send_expiring on ops.send (expires_at) where state = 'pending';

revoke update, delete on ops.feedback, ops.breaker_trip, ops.breaker_reset, ops.adoption from engine;
-- Adopting lifts the fence above every one that may have been handed out.
grant select, update on sequence ops.fence to engine;
