-- name: begin
drop table if exists accepted, checked;
create temporary table accepted (send_id uuid, attempt_no integer, at timestamptz);
create temporary table checked (like ops.send);

-- name: choose
insert into checked
select * from ops.send
where %(occurrence)s::text is null or occurrence_key = %(occurrence)s;

-- name: index
create index on accepted (send_id);
create index on checked (send_id);
analyze accepted, checked;

-- name: states
select state, count(*) as n from checked group by state order by state;

-- name: accepted
select count(distinct send_id) as n from accepted inner join checked using (send_id);

-- name: accepted_twice
select send_id from accepted inner join checked using (send_id) group by send_id having count(*) > 1;

-- name: without_an_end
select send_id from checked
where state not in ('accepted', 'suppressed', 'failed', 'expired', 'quarantined', 'cancelled');

-- name: said_to_be_accepted_and_never_was
select send_id from checked
where state = 'accepted' and send_id not in (select send_id from accepted);

-- name: accepted_and_said_to_be_something_else
select send_id from checked
where state != 'accepted' and send_id in (select send_id from accepted);

-- name: accepted_without_an_intent_before_it
select accepted.send_id
from accepted
inner join checked on accepted.send_id = checked.send_id
left join ops.send_attempt as attempt
    on accepted.send_id = attempt.send_id and accepted.attempt_no = attempt.attempt_no
where attempt.intent_at is null or attempt.intent_at > accepted.at;

-- name: attempted_again_without_an_allowed_reason
-- Only what was certainly not sent, or was not accepted by evidence, may be tried again; the latter at-least-once only.
select later.send_id
from ops.send_attempt as later
inner join checked as send on later.send_id = send.send_id
left join ops.send_attempt as former
    on later.send_id = former.send_id and later.attempt_no = former.attempt_no + 1
where
    later.attempt_no > 1
    and not coalesce(former.outcome = 'not_sent' and later.allowed_because ~ '^not sent', false)
    and not coalesce(
        former.outcome = 'unknown'
        and send.policy = 'at_least_once'
        and later.allowed_because ~ '^not accepted, by evidence',
        false
    );

-- name: attempted_after_a_suppression_was_committed
-- By the commit's own time; the second is what a claim may take from its snapshot to its row.
select attempt.send_id
from ops.send_attempt as attempt
inner join checked as send using (send_id)
inner join ops.suppression as suppression
    on send.recipient_key = suppression.recipient_key and suppression.topic in ('*', send.topic)
where attempt.intent_at > pg_xact_commit_timestamp(suppression.xmin) + interval '1 second';

-- name: accepted_without_consent
select send.send_id
from checked as send
inner join accepted using (send_id)
where not exists (
    select 1 from ops.consent_fact as fact
    where fact.recipient_key = send.recipient_key and fact.topic = send.topic and fact.granted
);

-- name: accepted_before_it_was_due_or_after_it_expired
-- `late`: seconds the provider may take from a request's first byte to its acceptance.
select send.send_id
from checked as send
inner join accepted using (send_id)
where accepted.at < send.due_at or accepted.at > send.expires_at + make_interval(secs => %(late)s);

-- name: accepted_later_than_its_deadline
select accepted.send_id
from accepted
inner join checked on accepted.send_id = checked.send_id
inner join ops.send_attempt as attempt
    on accepted.send_id = attempt.send_id and accepted.attempt_no = attempt.attempt_no
where accepted.at > attempt.intent_at + make_interval(secs => %(deadline)s + %(late)s);

-- name: accepted_while_it_was_stopped
-- `trust`: seconds after which the last worker must have seen the switch.
select accepted.send_id
from accepted
inner join checked as send using (send_id)
inner join chaos_stop as stop
    on
        stop.campaign_id in ('*', send.campaign_id)
        and accepted.at > stop.begun_at + make_interval(secs => %(trust)s + %(late)s)
        and accepted.at < stop.ended_at;

-- name: two_of_one_address_in_one_occurrence
select recipient_key from checked group by campaign_id, occurrence_key, recipient_key having count(*) > 1;

-- name: repeats
-- How the further attempts were allowed.
select
    count(*) filter (where attempt.allowed_because ~ '^not sent') as not_sent,
    count(*) filter (where attempt.allowed_because ~ '^not accepted') as by_evidence
from ops.send_attempt as attempt
inner join checked using (send_id)
where attempt.attempt_no > 1;
