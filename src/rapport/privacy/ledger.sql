-- name: suppressed_for_ever
insert into ops.suppression (recipient_key, topic, reason, source, evidence_id, occurred_at)
values (%(recipient_key)s, '*', 'erasure', 'privacy', 'erase', %(now)s)
on conflict do nothing;

-- name: contents_of_mails
update ops.send
set context = '{}'
where recipient_key = %(recipient_key)s and context <> '{}';

-- name: answers
delete from ops.survey_answer
where send_id in (select send.send_id from ops.send as send where send.recipient_key = %(recipient_key)s);

-- name: provider_events_emptied
-- What happened to the mail stays; address, network and device do not.
update ops.webhook_inbox
set raw = raw - array['email', 'ip', 'useragent', 'smtp-id']
where
    send_id in (select send.send_id from ops.send as send where send.recipient_key = %(recipient_key)s)
    and raw ?| array['email', 'ip', 'useragent', 'smtp-id'];

-- name: requests_for_mail
update ops.opt_in
set address = null
where recipient_key = %(recipient_key)s and address is not null;

-- name: address
update ops.recipient
set address = null
where recipient_key = %(recipient_key)s and address is not null;
