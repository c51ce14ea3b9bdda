-- name: audience
-- Who is looked at, in the order in which persons that share an address have a right to it.
select
    audience.customer_id,
    audience.email,
    audience.language,
    {time_zone_source} as time_zone_source,
    audience.time_zone,
    {best_send_hour} as best_send_hour,
    (
        select left_out.segment
        from unnest(%(exclude_segments)s::text[]) as left_out (segment)
        where left_out.segment = any(audience.segments)
        limit 1
    ) as excluded,
    null::text as extra,
    null::timestamptz as earliest,
    null::timestamptz as expires_at
from activation.campaign_audience as audience
where %(segment)s = any(audience.segments) and {filter}
order by
    audience.customer_id collate "C" asc,
    audience.email_consent desc nulls last,
    audience.email_consent_at desc nulls last,
    audience.email collate "C" asc;

-- name: given
-- As `audience`, for people that are named. Whoever is not in the audience comes without an address.
select
    given.customer_id,
    audience.email,
    audience.language,
    {time_zone_source} as time_zone_source,
    audience.time_zone,
    {best_send_hour} as best_send_hour,
    (
        select left_out.segment
        from unnest(%(exclude_segments)s::text[]) as left_out (segment)
        where left_out.segment = any(audience.segments)
        limit 1
    ) as excluded,
    given.context::text as extra,
    given.earliest,
    given.expires_at
from
    jsonb_to_recordset(%(people)s) as given (
        customer_id text, context jsonb, earliest timestamptz, expires_at timestamptz
    )
left join activation.campaign_audience as audience on given.customer_id = audience.customer_id and {filter}
order by
    given.customer_id collate "C" asc,
    audience.email_consent desc nulls last,
    audience.email_consent_at desc nulls last,
    audience.email collate "C" asc;

-- name: audience_columns
select
    attribute.attname as name,
    format_type(attribute.atttypid, null) as type
from pg_attribute as attribute
where
    attribute.attrelid = to_regclass('activation.campaign_audience')
    and attribute.attnum > 0
    and not attribute.attisdropped;

-- name: create_tables
-- Grain of candidate and judged: one row an address of a person. `candidate` is what is read, `judged` what comes of it,
-- where an outcome of null is as yet planned. Of timing: one row for all whose hours and wording are the same.
drop table if exists pg_temp.candidate, pg_temp.judged, pg_temp.timing;
create temporary table candidate (
    place bigint not null,
    customer_id text not null,
    email text,
    recipient_key text,
    address text,
    mailbox text,
    template_no smallint,
    variant text,
    awaits_winner boolean,
    timing_id integer,
    due_microseconds bigint,
    holdout_place double precision,
    refused text,
    refused_because text,
    extra jsonb
) on commit drop;
create temporary table timing (
    timing_id integer not null,
    open_during tstzmultirange,
    expires_at timestamptz not null,
    told text not null
) on commit drop;
create temporary table judged (
    place bigint not null,
    customer_id text not null,
    recipient_key text,
    address text,
    mailbox text,
    template_no smallint,
    variant text,
    awaits_winner boolean,
    timing_id integer,
    due_at timestamptz,
    holdout_place double precision,
    outcome text,
    reason text,
    pattern text,
    context jsonb,
    moved boolean not null default false
) on commit drop;

-- name: mailbox_families
select
    domain,
    family
from ops.mailbox_domain
where family != 'rest';

-- name: copy_candidates
copy candidate (
    place, customer_id, email, recipient_key, address, mailbox, template_no, variant, awaits_winner, timing_id,
    due_microseconds, holdout_place, refused, refused_because, extra
) from stdin;

-- name: analyze_candidates
-- What joins go by; the rest would only be sorted for nothing.
analyze candidate (customer_id, email, recipient_key);

-- name: copy_timings
copy timing (timing_id, open_during, expires_at, told) from stdin;

-- name: analyze_timings
analyze timing;

-- name: limit_reading
-- What a marketer's filter may take, a batch at a time.
set local statement_timeout = '120s';

-- name: lift_limit
set local statement_timeout = default;
