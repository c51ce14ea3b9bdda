-- Grain: one row a customer who reached the tier of the loyalty programme that they are in within trigger_days.
select
    'tier_reached'::text as trigger,
    'tier_reached:' || customer_id || ':' || tier || ':' || extract(epoch from tier_since)::bigint as trigger_id,
    customer_id,
    tier_since as occurred_at,
    null::timestamptz as expires_at,
    jsonb_build_object('points', jsonb_build_object('tier', tier, 'balance', points)) as context
from {{ ref('int_customer_loyalty') }}
where tier is not null and tier_since <= {{ as_of() }} and {{ within('tier_since', var('trigger_days')) }}
