-- name: facts_exist
select to_regclass('intermediate.int_consent_facts') is not null as found;

-- name: read_facts
select email, topic, granted, occurred_at, source, how, source_record_id
from intermediate.int_consent_facts;

-- name: add_facts
insert into ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id)
select given.*
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
