-- Ada alone on d1; Ada and Ben in turn on d2; Ben alone on d3. Ids say who must keep what.
insert into raw_web.events (
    message_id, type, device_id, user_id, channel, device_kind, is_bot, has_consent, occurred_at, received_at
)
select
    given.message_id,
    case when given.user_id is null then 'page' else 'identify' end,
    given.device_id,
    given.user_id,
    'web',
    'desktop',
    false,
    true,
    '2026-03-01'::timestamptz + given.minute * interval '1 minute',
    '2026-03-02'
from (
    values
    ('alone before log-in: goes', 'd1', null, 1), ('alone log-in: goes', 'd1', '1', 2), ('alone after: goes', 'd1', null, 3),
    ('shared before anybody: stays', 'd2', null, 1),
    ('shared log-in by number: goes', 'd2', '1', 2),
    ('a shared at the same moment: goes', 'd2', null, 2),
    ('shared after: goes', 'd2', null, 3),
    ('shared other log-in: stays', 'd2', 'gid://shopify/Customer/2', 4),
    ('shared after other: stays', 'd2', null, 5),
    ('shared log-in by whole id: goes', 'd2', 'gid://shopify/Customer/1', 6),
    ('shared still: goes', 'd2', null, 7),
    ('shared other log-in again: stays', 'd2', '2', 8),
    ('shared at the end: stays', 'd2', null, 9),
    ('other: stays', 'd3', null, 1), ('other log-in: stays', 'd3', '2', 2),
    ('from a server: goes', null, '1', 2)
) as given (message_id, device_id, user_id, minute);
