-- name: progress
select
    count(*) filter (where state in ('planned', 'pending', 'sending', 'unknown')) as unsettled,
    count(*) filter (where state = 'unknown' and policy = 'at_least_once') as doubtful,
    count(*) filter (where state = 'pending') as pending,
    extract(epoch from clock_timestamp() - max(unknown_since)) as unknown_seconds,
    count(*) filter (where state = 'sending' and lease_until > clock_timestamp()) as leased,
    count(*) filter (where state = 'accepted') as accepted,
    count(*) filter (where engagement != 'none') as told,
    (select count(*) from ops.webhook_inbox where processed_at is null) as unread,
    (select count(*) from ops.send_attempt where outcome = 'accepted' and http_status = 202) as answered
from ops.send
where occurrence_key = %(occurrence)s;

-- name: orphaned
select attempt.send_id
from ops.send_attempt as attempt
inner join ops.send as send on attempt.send_id = send.send_id
where
    send.occurrence_key = %(occurrence)s
    and attempt.detail = 'its worker ended without a result';

-- name: first_ids
select send_id from ops.send where occurrence_key = %(occurrence)s order by send_id limit %(number)s;

-- name: edit
-- As a plan of the edited campaign does it: what was planned before keeps the version it was planned with.
with edited as (
    update ops.campaign
    set version = version || '+', definition = definition || '{"from_name": "Edited"}'
    where campaign_id = 'promotion'
    returning campaign_id
)

insert into ops.template (template_version, campaign_id, subject, html, body_text, language, created_at)
select 'edited-' || gen_random_uuid(), edited.campaign_id, 'EDITED', '', '', 'en', clock_timestamp()
from edited;
