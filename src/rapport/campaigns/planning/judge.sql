-- name: judge
-- What is known of each address, beside the person's fields that the mail prints. `{pattern}` tells which of those are
-- there, so that one rendering speaks for all alike.
insert into judged (
    place, customer_id, recipient_key, address, mailbox, template_no, variant, awaits_winner, timing_id, due_at,
    holdout_place, outcome, reason, pattern, context
)
with stopped as materialized (
    select
        listed.recipient_key,
        stop.reason
    from (
        select distinct suppression.recipient_key
        from ops.suppression as suppression
        where
            suppression.topic in ('*', %(topic)s)
            and suppression.recipient_key in (select candidate.recipient_key from candidate)
    ) as listed
    cross join lateral (
        select force.reason
        from ops.suppression_in_force(listed.recipient_key, %(topic)s, %(now)s) as force
        order by force.precedence
        limit 1
    ) as stop
),

-- The newest fact holds; of two of one moment the refusal.
agreed as materialized (
    select
        fact.recipient_key,
        coalesce(
            max(fact.occurred_at) filter (where fact.granted) > max(fact.occurred_at) filter (where not fact.granted),
            bool_or(fact.granted)
        ) as granted
    from ops.consent_fact as fact
    where
        fact.topic = %(topic)s
        -- A clock of somebody else's may be ahead: a refusal counts at once, a grant when its time has come.
        and (not fact.granted or fact.occurred_at <= %(now)s)
        and fact.recipient_key in (select candidate.recipient_key from candidate)
    group by fact.recipient_key
),

repeated as materialized (
    select distinct past.recipient_key
    from ops.send as past
    where
        %(repeat_days)s > 0
        and past.campaign_id = %(campaign_id)s
        and past.state not in ('suppressed', 'failed', 'expired', 'cancelled')
        and past.due_at > %(slot_at)s - make_interval(days => %(repeat_days)s)
        and past.recipient_key in (select candidate.recipient_key from candidate)
)

select
    candidate.place,
    candidate.customer_id,
    candidate.recipient_key,
    candidate.address,
    candidate.mailbox,
    candidate.template_no,
    candidate.variant,
    candidate.awaits_winner,
    candidate.timing_id,
    'epoch'::timestamptz + candidate.due_microseconds * interval '1 microsecond' as due_at,
    candidate.holdout_place,
    verdict.outcome,
    case verdict.outcome
        when 'suppressed' then 'the address is suppressed: ' || stopped.reason
        when 'no_consent'
            then 'consent to ' || %(topic)s || ' was ' || case
                when agreed.granted is null then 'never given, and unknown means no'
                else 'refused or withdrawn'
            end
        when 'no_window'
            then 'no open time is left in the recipient''s day before '
                || to_char(timing.expires_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'
        when 'capped' then 'had this campaign within the last ' || %(repeat_days)s || ' days'
        when 'missing_field' then 'the subject would hold a line break, which could forge headers, or a text is too long'
        else candidate.refused_because
    end as reason,
    case when verdict.outcome is null then {pattern} end as pattern,
    case when verdict.outcome is null then {context} end as context
from candidate
left join timing on candidate.timing_id = timing.timing_id
left join activation.campaign_audience as audience
    on candidate.customer_id = audience.customer_id and candidate.email = audience.email
left join stopped on candidate.recipient_key = stopped.recipient_key
left join agreed on candidate.recipient_key = agreed.recipient_key
left join repeated on candidate.recipient_key = repeated.recipient_key
cross join lateral (
    select
        case
            when candidate.refused is not null then candidate.refused
            when stopped.reason is not null then 'suppressed'
            when agreed.granted is not true then 'no_consent'
            when candidate.due_microseconds is null then 'no_window'
            when {forged} then 'missing_field'
            when repeated.recipient_key is not null then 'capped'
        end as outcome
) as verdict
-- In the order of the indexes that most of the work goes into: neighbours of what is written last share a page.
order by candidate.recipient_key;

-- name: analyze_judged
analyze judged (place, customer_id, recipient_key, template_no, pattern, outcome);

-- name: patterns
select
    judged.template_no,
    judged.pattern,
    judged.context
from (
    select
        template_no,
        pattern,
        min(place) as place
    from judged
    where outcome is null
    group by template_no, pattern
) as sort
inner join judged on sort.place = judged.place
order by judged.template_no, judged.pattern;
