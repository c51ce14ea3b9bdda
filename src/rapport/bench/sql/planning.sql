-- name: make_audience
create table activation.campaign_audience (
    customer_id text,
    email text,
    first_name text,
    language text,
    locale text,
    time_zone text,
    segments text [],
    orders_count bigint,
    revenue numeric,
    email_consent boolean,
    email_consent_at timestamptz,
    as_of timestamptz
);
grant select on activation.campaign_audience to engine;

-- name: copy_audience
copy activation.campaign_audience (
    customer_id, email, first_name, language, locale, time_zone, segments, orders_count, revenue, email_consent,
    email_consent_at
) from stdin;

-- name: copy_facts
copy ops.consent_fact (recipient_key, topic, granted, occurred_at, source, how, source_record_id) from stdin;

-- name: copy_stops
copy ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at) from stdin;

-- name: pass_gate
insert into ops.gate_run (gate_run_id, suite, passed, checks_count, ran_at)
values (gen_random_uuid(), 'activation.campaign_audience', true, 1, %(ran_at)s);

-- name: analyze
analyze;

-- name: plain_tables
-- With the foreign keys, which a copy of a table leaves behind.
create table plain_send (
    like ops.send including all,
    foreign key (recipient_key) references ops.recipient,
    foreign key (template_version) references ops.template,
    foreign key (campaign_id, occurrence_key) references ops.occurrence
);
create table plain_decision (like ops.decision including all);

-- name: plain_sends
insert into plain_send select * from ops.send;

-- name: plain_decisions
insert into plain_decision select * from ops.decision;
