-- name: insert_events
insert into raw_web.events (
    message_id, type, name, device_id, user_id, previous_id, properties, page, campaign, channel, device_kind, is_bot,
    has_consent, occurred_at, received_at
)
select
    given.message_id,
    given.type,
    given.name,
    given.device_id,
    given.user_id,
    given.previous_id,
    given.properties,
    given.page,
    given.campaign,
    given.channel,
    given.device_kind,
    given.is_bot,
    given.has_consent,
    given.occurred_at,
    given.received_at
from unnest(
    %(message_id)s::text[],
    %(type)s::text[],
    %(name)s::text[],
    %(device_id)s::text[],
    %(user_id)s::text[],
    %(previous_id)s::text[],
    %(properties)s::jsonb[],
    %(page)s::jsonb[],
    %(campaign)s::jsonb[],
    %(channel)s::text[],
    %(device_kind)s::text[],
    %(is_bot)s::boolean[],
    %(has_consent)s::boolean[],
    %(occurred_at)s::timestamptz[],
    %(received_at)s::timestamptz[]
) as given (
    message_id, type, name, device_id, user_id, previous_id, properties, page, campaign, channel, device_kind, is_bot,
    has_consent, occurred_at, received_at
)
on conflict (message_id) do nothing;

-- name: insert_quarantine
insert into raw_web.quarantine (event_hash, reason, shape, received_at)
select
    given.event_hash,
    given.reason,
    given.shape,
    given.received_at
from unnest(
    %(event_hash)s::text[],
    %(reason)s::text[],
    %(shape)s::jsonb[],
    %(received_at)s::timestamptz[]
) as given (event_hash, reason, shape, received_at)
on conflict (event_hash) do nothing;
