-- Flows: what a person set off, which steps they have had, and why they left; what people answer to surveys; and
-- exports of a loyalty programme.

-- Grain: one row a campaign and trigger. Whoever is refused at the door has a row too, so that every reason is kept.
create table ops.flow_run (
    campaign_id text not null references ops.campaign,
    trigger_id text not null,
    -- As it was when the row was last looked at: people are merged.
    customer_id text not null,
    occurred_at timestamptz not null,
    entered_at timestamptz not null,
    state text not null check (state in ('inside', 'finished', 'left', 'refused')),
    reason text,
    ended_at timestamptz,
    primary key (campaign_id, trigger_id),
    check ((state = 'inside') = (ended_at is null)),
    check (state in ('inside', 'finished') or reason is not null)
);
create index on ops.flow_run (campaign_id) where state = 'inside';
create index on ops.flow_run (campaign_id, customer_id, entered_at);

-- Grain: one row a run and step that is settled: planned, or why it never will be. A step without a row is still to come.
create table ops.flow_step (
    campaign_id text not null,
    trigger_id text not null,
    step text not null,
    outcome text not null,
    reason text not null default '',
    -- Which occurrence holds the decision; null where the planner was not asked.
    occurrence_key text,
    settled_at timestamptz not null,
    primary key (campaign_id, trigger_id, step),
    foreign key (campaign_id, trigger_id) references ops.flow_run on delete cascade
);
create index on ops.flow_step (campaign_id, occurrence_key) where occurrence_key is not null;

-- Grain: one row an answer. Append-only: of several answers to one mail the newest holds.
create table ops.survey_answer (
    answer_id uuid primary key,
    send_id uuid not null references ops.send,
    survey text not null check (survey in ('nps', 'csat')),
    answer smallint not null,
    comment text check (char_length(comment) <= 2000),
    language text not null,
    answered_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp(),
    check (answer between case survey when 'nps' then 0 else 1 end and case survey when 'nps' then 10 else 5 end)
);
create index on ops.survey_answer (send_id, answered_at);

revoke update on ops.survey_answer from engine;
grant insert on ops.survey_answer to gateway;
-- How many answers a mail has: what bounds them must see it.
grant select (send_id) on ops.survey_answer to gateway;

-- Grain: one row a feed and member of a loyalty programme, as its newest export says.
set local role loader;
create table raw_files.loyalty (
    feed text not null,
    id text not null,
    email text,
    tier text,
    points bigint,
    points_expiring bigint,
    expire_on date,
    tier_since timestamptz,
    updated_at timestamptz,
    load_id uuid not null references landing.load,
    primary key (feed, id)
);
reset role;
