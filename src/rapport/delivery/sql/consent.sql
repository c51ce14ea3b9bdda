-- name: facts_exist
select to_regclass('intermediate.int_consent_facts') is not null as found;

-- name: read_facts
select email, topic, granted, occurred_at, source, how, source_record_id
from intermediate.int_consent_facts;

-- name: add_facts
insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)
select
    given.recipient_key,
    given.topic,
    given.granted,
    given.occurred_at,
    given.source,
    case when given.how = 'double_opt_in' then 'imported_double_opt_in' else given.how end,
    given.source_record_id
from unnest(
    %(recipient_key)s::text[],
    %(topic)s::text[],
    %(granted)s::boolean[],
    %(occurred_at)s::timestamptz[],
    %(source)s::text[],
    %(how)s::text[],
    %(source_record_id)s::text[]
) as given (recipient_key, topic, granted, occurred_at, source, how, source_record_id)
on conflict (recipient_key, topic, source, source_record_id, occurred_at) do nothing;
