-- Who allowed what to be sent, what waits for a person, and what people's hands did.

-- Grain: one row a question put to people: may this version of a campaign be sent in this occurrence?
-- No reference to ops.campaign: a campaign is on record there when it is planned, and that comes after the answer.
create table ops.approval_request (
    request_id uuid primary key,
    campaign_id text not null,
    version text not null,
    occurrence_key text not null,
    -- An answer for a version holds for its later occurrences too.
    covers text not null check (covers in ('version', 'occurrence')),
    reasons text [] not null check (cardinality(reasons) > 0),
    -- How many would be sent a message when it was asked.
    audience integer not null,
    people_needed smallint not null check (people_needed in (1, 2)),
    -- Null: the calendar asked, or it is not known who edited the folder last.
    requested_by text,
    edited_by text,
    requested_at timestamptz not null,
    expires_at timestamptz not null
);
create index on ops.approval_request (campaign_id, version, occurrence_key);

-- Grain: one row a request and person. Append-only: nobody takes an answer back, a new question is asked instead.
create table ops.approval_answer (
    request_id uuid not null references ops.approval_request,
    actor text not null check (actor != ''),
    answer text not null check (answer in ('approved', 'refused')),
    comment text not null default '' check (char_length(comment) <= 1000),
    answered_at timestamptz not null,
    primary key (request_id, actor)
);

-- Grain: one row a request with what became of it. One refusal is enough. Where two must agree, neither of them is
-- whoever asked or edited.
create view ops.approval as
select
    request.*,
    coalesce(given.approved_by, '{}') as approved_by,
    given.refused_by,
    given.comment,
    given.answered_at,
    case
        when given.refused_by is not null then 'refused'
        when cardinality(given.approved_by) >= request.people_needed then 'approved'
        else 'open'
    end as state
from ops.approval_request as request
left join lateral (
    select
        array_agg(answer.actor order by answer.answered_at, answer.actor) filter (
            where
            answer.answer = 'approved'
            and (
                request.people_needed = 1
                or (
                    answer.actor is distinct from request.requested_by
                    and answer.actor is distinct from request.edited_by
                )
            )
        ) as approved_by,
        min(answer.actor) filter (where answer.answer = 'refused') as refused_by,
        max(answer.comment) filter (where answer.answer = 'refused') as comment,
        max(answer.answered_at) as answered_at
    from ops.approval_answer as answer
    where answer.request_id = request.request_id
) as given on true;

-- Grain: one row a campaign whose last planning was held up; removed by the next one that was not.
create table ops.campaign_hold (
    campaign_id text primary key,
    occurrence_key text,
    held_by text not null,
    reason text not null,
    since_at timestamptz not null
);

-- Grain: one row a deed. Append-only, without personal data of customers.
create table ops.audit_log (
    audit_id bigint generated always as identity primary key,
    actor text not null,
    action text not null,
    object text not null,
    detail jsonb not null default '{}',
    -- By the shop's clock, which a demo sets; recorded_at is the database's.
    at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp()
);
create index on ops.audit_log (object, at);

revoke update, delete on ops.approval_request, ops.approval_answer, ops.audit_log from engine;
