-- name: lock_occurrence
select pg_advisory_xact_lock(hashtextextended('occurrence:' || %(campaign_id)s || ':' || %(occurrence_key)s, 0));

-- name: lock_pressure
select pg_advisory_xact_lock(hashtextextended('pressure', 0));

-- name: planned_occurrence
select waterfall
from ops.occurrence
where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s;

-- name: upsert_campaign
insert into ops.campaign (campaign_id, kind, topic, policy, priority, definition, version, updated_at)
values (%(campaign_id)s, %(kind)s, %(topic)s, %(policy)s, %(priority)s, %(definition)s, %(version)s, %(now)s)
on conflict (campaign_id) do update set
    kind = excluded.kind,
    priority = excluded.priority,
    topic = excluded.topic,
    policy = excluded.policy,
    definition = excluded.definition,
    version = excluded.version,
    updated_at = excluded.updated_at
where ops.campaign.version <> excluded.version;

-- name: campaign_rate
-- A bucket that changes its rate keeps what it holds.
insert into ops.throttle (scope, key, per_second, burst, tokens)
values (
    'campaign',
    %(campaign_id)s,
    %(rate_per_hour)s / 3600.0,
    greatest(1, %(rate_per_hour)s / 360.0),
    greatest(1, %(rate_per_hour)s / 360.0)
)
on conflict (scope, key) do update
set per_second = excluded.per_second, burst = excluded.burst;

-- name: insert_template
insert into ops.template (
    template_version, campaign_id, variant, subject, preheader, html, body_text, language, coupon, coupon_valid_seconds,
    created_at
)
values (
    %(template_version)s,
    %(campaign_id)s,
    %(variant)s,
    %(subject)s,
    %(preheader)s,
    %(html)s,
    %(body_text)s,
    %(language)s,
    %(coupon)s,
    %(coupon_valid_seconds)s,
    %(now)s
)
on conflict (template_version) do nothing;

-- name: insert_occurrence
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall, lot, decide_at)
values (%(campaign_id)s, %(occurrence_key)s, %(now)s, '{}', %(lot)s, %(decide_at)s)
on conflict do nothing;

-- name: set_waterfall
update ops.occurrence
set
    waterfall = %(waterfall)s,
    canary_wait_seconds = case
        when exists (
            select 1
            from ops.send
            where
                send.campaign_id = occurrence.campaign_id
                and send.occurrence_key = occurrence.occurrence_key
                and not send.canary
        ) then %(canary_wait_seconds)s
    end
where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s;

-- name: count_occurrence
select
    (
        select count(*)
        from ops.send
        where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s
    ) as sends,
    (
        select count(*)
        from ops.decision
        where campaign_id = %(campaign_id)s and occurrence_key = %(occurrence_key)s
    ) as decisions;

-- name: adopted_since
-- Whether a restored database was taken into use after the slot: the ledger that was lost may have sent this occurrence.
select exists (
    select 1
    from ops.adoption
    where adoption.adopted_at >= %(slot_at)s
) as adopted;
