-- name: inside
-- Whoever is inside, with what stands in the newest build and which steps are settled.
select
    run.trigger_id,
    run.customer_id,
    run.occurred_at,
    found.trigger_id is not null as still_holds,
    coalesce(found.expires_at <= %(now)s, false) as is_over,
    found.expires_at,
    found.context,
    audience.customer_id is not null as is_in_audience,
    coalesce(audience.open_tickets_count > 0, false) as has_open_ticket,
    coalesce(audience.last_order_at > run.occurred_at, false) as ordered,
    coalesce(replies.clicked_mail_at >= run.entered_at, false) as clicked,
    coalesce(replies.answered_mail_at >= run.entered_at, false) as answered,
    coalesce(steps.settled, '{}') as settled,
    coalesce(steps.is_done_for_today, false) as is_done_for_today
from ops.flow_run as run
left join activation.campaign_triggers as found on run.trigger_id = found.trigger_id
left join activation.campaign_audience as audience on run.customer_id = audience.customer_id
-- One pass over the campaign's mails for everybody, not one for each.
left join (
    select
        mail.customer_id,
        max(mail.planned_at) filter (where click.send_id is not null) as clicked_mail_at,
        max(mail.planned_at) filter (where answer.send_id is not null) as answered_mail_at
    from ops.send as mail
    -- Who leaves because they clicked must have done so: a scanner's click ends nothing.
    left join (
        select distinct one.send_id
        from
            ops.clicks(array(
                select sent.send_id
                from ops.send as sent
                where sent.campaign_id = %(campaign_id)s and sent.engagement in ('clicked', 'unsubscribed', 'complained')
            )) as one
        where not one.is_machine
    ) as click on mail.send_id = click.send_id
    left join (select distinct survey_answer.send_id from ops.survey_answer) as answer on mail.send_id = answer.send_id
    where mail.campaign_id = %(campaign_id)s and (click.send_id is not null or answer.send_id is not null)
    group by mail.customer_id
) as replies on run.customer_id = replies.customer_id
left join lateral (
    select
        array_agg(step.step) as settled,
        bool_or(step.outcome = 'planned' and step.occurrence_key like '%%@' || %(local_date)s) as is_done_for_today
    from ops.flow_step as step
    where step.campaign_id = run.campaign_id and step.trigger_id = run.trigger_id
) as steps on true
where run.campaign_id = %(campaign_id)s and run.state = 'inside'
order by run.occurred_at, run.trigger_id;
