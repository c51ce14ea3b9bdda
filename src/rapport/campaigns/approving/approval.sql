-- name: former_waterfalls
select former.waterfall
from ops.occurrence as former
where
    former.campaign_id = %(campaign_id)s
    and former.occurrence_key != %(occurrence_key)s
    and former.waterfall ? 'planned'
order by former.planned_at desc, former.occurrence_key desc
limit %(former)s;

-- name: answered
-- What people said about this version, newest first: of this occurrence, or of the version as such.
select approval.*
from ops.approval as approval
where
    approval.campaign_id = %(campaign_id)s
    and approval.version = %(version)s
    and approval.state != 'open'
    and (approval.occurrence_key = %(occurrence_key)s or approval.covers = 'version')
order by approval.answered_at desc, approval.request_id desc;

-- name: lock_requests
select pg_advisory_xact_lock(hashtextextended('approval:' || %(campaign_id)s, 0));

-- name: open_request
select approval.*
from ops.approval as approval
where
    approval.campaign_id = %(campaign_id)s
    and approval.version = %(version)s
    and approval.occurrence_key = %(occurrence_key)s
    and approval.state = 'open'
    and approval.people_needed >= %(people_needed)s
    and approval.covers = %(covers)s
    and approval.expires_at > %(now)s
order by approval.requested_at desc, approval.request_id desc
limit 1;

-- name: insert_request
insert into ops.approval_request (
    request_id,
    campaign_id,
    version,
    occurrence_key,
    covers,
    reasons,
    audience,
    people_needed,
    requested_by,
    edited_by,
    requested_at,
    expires_at
)
values (
    %(request_id)s,
    %(campaign_id)s,
    %(version)s,
    %(occurrence_key)s,
    %(covers)s,
    %(reasons)s,
    %(audience)s,
    %(people_needed)s,
    %(requested_by)s,
    %(edited_by)s,
    %(now)s,
    %(expires_at)s
);

-- name: request
select approval.*
from ops.approval as approval
where approval.request_id = %(request_id)s;

-- name: insert_answer
insert into ops.approval_answer (request_id, actor, answer, comment, answered_at)
values (%(request_id)s, %(actor)s, %(answer)s, %(comment)s, %(now)s)
on conflict (request_id, actor) do nothing
returning request_id;

-- name: requests
-- The newest question of each campaign and occurrence first.
select approval.*
from ops.approval as approval
where %(campaign_id)s::text is null or approval.campaign_id = %(campaign_id)s
order by approval.requested_at desc, approval.request_id desc
limit %(limit)s;
