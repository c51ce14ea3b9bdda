create table ops.gate_run (
    gate_run_id uuid primary key,
    suite text not null,
    passed boolean not null,
    checks_count integer not null,
    failures jsonb not null default '[]',
    docs_path text,
    ran_at timestamptz not null
);
create index on ops.gate_run (suite, ran_at desc);

create table ops.build (
    build_id uuid primary key,
    as_of timestamptz not null,
    status text not null check (status in ('running', 'passed', 'failed')),
    started_at timestamptz not null,
    finished_at timestamptz,
    detail jsonb not null default '{}'
);

create table ops.build_node (
    build_id uuid not null references ops.build,
    node text not null,
    status text not null,
    seconds double precision not null,
    rows_affected bigint,
    message text,
    primary key (build_id, node)
);

create table ops.campaign (
    campaign_id text primary key,
    kind text not null,
    topic text not null,
    policy text not null check (policy in ('at_most_once', 'at_least_once')),
    paused boolean not null default false,
    definition jsonb not null,
    version text not null,
    updated_at timestamptz not null
);

-- The compiled content of one version, stored so that a send can always be rendered as it was planned.
create table ops.template (
    template_version text primary key,
    campaign_id text not null references ops.campaign,
    subject text not null,
    preheader text not null default '',
    html text not null,
    body_text text not null,
    language text not null,
    created_at timestamptz not null
);

create table ops.occurrence (
    campaign_id text not null references ops.campaign,
    occurrence_key text not null,
    planned_at timestamptz not null,
    waterfall jsonb not null,
    primary key (campaign_id, occurrence_key)
);

-- The only place in ops with an address, so that erasing a person is one row.
create table ops.recipient (
    recipient_key text primary key,
    address text,
    created_at timestamptz not null
);

create table ops.send (
    send_id uuid primary key,
    campaign_id text not null,
    occurrence_key text not null,
    recipient_key text not null references ops.recipient,
    customer_id text not null,
    variant text not null default 'a',
    topic text not null,
    policy text not null check (policy in ('at_most_once', 'at_least_once')),
    state text not null default 'pending' check (state in (
        'planned', 'pending', 'sending', 'unknown', 'accepted', 'failed', 'suppressed', 'expired', 'cancelled', 'quarantined'
    )),
    reason text,
    due_at timestamptz not null,
    expires_at timestamptz not null,
    attempt_no integer not null default 0,
    fence bigint not null default 0,
    owner_epoch bigint,
    lease_until timestamptz,
    unknown_since timestamptz,
    not_before timestamptz,
    accepted_at timestamptz,
    engagement text not null default 'none',
    template_version text not null references ops.template,
    context jsonb not null,
    payload_sha256 text,
    planned_at timestamptz not null,
    unique (campaign_id, occurrence_key, recipient_key),
    foreign key (campaign_id, occurrence_key) references ops.occurrence,
    check (due_at < expires_at),
    -- A second attempt needs a recorded reason that allows it.
    check (state != 'pending' or attempt_no = 0 or reason is not null)
);
create index send_due on ops.send (due_at) where state = 'pending';
create index send_in_flight on ops.send (lease_until) where state in ('sending', 'unknown');
create index send_by_recipient on ops.send (recipient_key, due_at);

create table ops.send_attempt (
    send_id uuid not null references ops.send,
    attempt_no integer not null,
    fence bigint not null,
    batch_id uuid not null,
    intent_at timestamptz not null,
    finished_at timestamptz,
    outcome text check (outcome in ('accepted', 'not_sent', 'rejected', 'unknown')),
    http_status integer,
    provider_message_id text,
    detail text,
    allowed_because text not null,
    primary key (send_id, attempt_no)
);
create index on ops.send_attempt (intent_at) where outcome = 'accepted';

-- Grain: one row a provider event. The raw event is kept; what it means is worked out by the reconciler.
create table ops.webhook_inbox (
    event_id text primary key,
    provider text not null default 'sendgrid',
    event text not null,
    send_id uuid,
    attempt_no integer,
    raw jsonb not null,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    processed_at timestamptz
);
create index on ops.webhook_inbox (received_at) where processed_at is null;
create index on ops.webhook_inbox (send_id, event);

-- Append-only. Unknown means no; the newest fact of an address and topic holds.
create table ops.consent_fact (
    recipient_key text not null,
    topic text not null,
    granted boolean not null,
    occurred_at timestamptz not null,
    source text not null,
    how text not null,
    wording text not null default '',
    source_record_id text not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (recipient_key, topic, source, source_record_id, occurred_at)
);

-- Append-only. topic '*' is everything. Nothing lifts a row; a new double opt-in will be a fact of its own.
create table ops.suppression (
    recipient_key text not null,
    topic text not null,
    reason text not null check (reason in ('unsubscribe', 'complaint', 'hard_bounce', 'manual', 'erasure')),
    source text not null,
    evidence_id text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (recipient_key, topic, reason, evidence_id)
);

-- Why a person did or did not get an occurrence: one row a person and occurrence.
create table ops.decision (
    campaign_id text not null,
    occurrence_key text not null,
    customer_id text not null,
    recipient_key text,
    outcome text not null check (outcome in (
        'planned', 'no_address', 'no_consent', 'suppressed', 'capped', 'holdout', 'no_window', 'duplicate_address', 'missing_field'
    )),
    reason text not null,
    decided_at timestamptz not null,
    primary key (campaign_id, occurrence_key, customer_id)
);
create index on ops.decision (recipient_key);

create table ops.control (
    name text primary key,
    value jsonb not null,
    changed_at timestamptz not null default clock_timestamp()
);
insert into ops.control (name, value) values ('kill_switch', 'false');

create sequence ops.worker_epoch;
create sequence ops.fence;

grant insert on ops.webhook_inbox, ops.suppression to gateway;
grant select (send_id, recipient_key, topic) on ops.send to gateway;
grant select (event_id) on ops.webhook_inbox to gateway;
grant select on ops.suppression, ops.campaign to gateway;
revoke update, delete on ops.consent_fact, ops.suppression from engine;
