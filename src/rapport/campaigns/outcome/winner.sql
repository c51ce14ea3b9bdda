-- name: undecided
-- Occurrences whose time to decide has come. Locked, so that two deciders never judge one at once.
select
    occurrence.campaign_id,
    occurrence.occurrence_key,
    occurrence.lot,
    occurrence.planned_at
from ops.occurrence as occurrence
where
    occurrence.decide_at <= %(now)s
    and not exists (
        select 1
        from ops.experiment_decision as decision
        where
            decision.campaign_id = occurrence.campaign_id and decision.occurrence_key = occurrence.occurrence_key
    )
order by occurrence.decide_at, occurrence.campaign_id
limit 1
for update skip locked;

-- name: clicks
-- Those who take part in the test, whether or not the mail has reached them, and who of them clicked. Scanners do not
-- count: a version with more links would win by them.
with tested as materialized (
    select
        send.send_id,
        send.variant
    from ops.send as send
    where
        send.campaign_id = %(campaign_id)s
        and send.occurrence_key = %(occurrence_key)s
        and not send.awaits_winner
),

clicked as (
    select distinct click.send_id
    from ops.clicks(array(select tested.send_id from tested)) as click
    where not click.is_machine
)

select
    tested.variant,
    count(*) as people_count,
    count(clicked.send_id) as clicked_count
from tested
left join clicked on tested.send_id = clicked.send_id
group by tested.variant;

-- name: switch
-- Only what nobody has claimed, or tried before; a row that a claim holds is judged again once the claim has let go.
update ops.send
set
    variant = %(winner)s,
    template_version = change.winners
from
    jsonb_to_recordset(%(changes)s) as change (control text, winners text, fields jsonb)
where
    send.campaign_id = %(campaign_id)s
    and send.occurrence_key = %(occurrence_key)s
    and send.awaits_winner
    and send.state = 'pending'
    and send.attempt_no = 0
    and send.template_version = change.control
    -- Whose context was kept without what the winner's mail prints keeps the control's.
    and not exists (
        select 1
        from jsonb_array_elements_text(change.fields) as field (name)
        where not send.context ? field.name
    );

-- name: templates
select template_version, campaign_id, language, variant, subject, preheader, html, body_text
from ops.template
where template_version = any(%(versions)s);

-- name: decide
insert into ops.experiment_decision (
    campaign_id, occurrence_key, experiment, by, winner, clear, because, figures, switched_count, decided_at
)
values (
    %(campaign_id)s,
    %(occurrence_key)s,
    %(experiment)s,
    %(by)s,
    %(winner)s,
    %(clear)s,
    %(because)s,
    %(figures)s,
    %(switched_count)s,
    %(now)s
);
