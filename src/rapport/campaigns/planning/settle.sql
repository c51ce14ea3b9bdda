-- name: refuse_pattern
update judged
set outcome = 'missing_field', reason = %(reason)s
where outcome is null and template_no = %(template_no)s and pattern = %(pattern)s;

-- name: of_pattern
select
    place,
    context
from judged
where outcome is null and template_no = %(template_no)s and pattern = %(pattern)s;

-- name: refuse_places
update judged
set outcome = 'missing_field', reason = line.reason
from jsonb_to_recordset(%(rows)s) as line (place bigint, reason text)
where judged.place = line.place;

-- name: give_up_duplicates
-- An address belongs to the first person who could be written to there.
with owner as (
    select
        recipient_key,
        min(place) filter (where outcome is null) as place
    from judged
    where recipient_key is not null
    group by recipient_key
    having count(*) > 1 and count(*) filter (where outcome is null) > 0
)

update judged
set outcome = 'duplicate_address', reason = 'another person of this occurrence has the same address'
from owner
where
    judged.recipient_key = owner.recipient_key
    and judged.place != owner.place
    and coalesce(judged.outcome, '') not in ('excluded', 'suppressed', 'no_consent');

-- name: one_a_person
-- Of several addresses the first that can be written to; else the refusal that came furthest says most.
delete from judged
using (
    select
        each.place,
        row_number() over (
            partition by each.customer_id
            order by
                each.outcome is null desc,
                array_position(%(outcomes)s::text[], each.outcome) desc,
                each.place asc
        ) as nth
    from judged as each
    where
        each.customer_id in (
            select several.customer_id
            from judged as several
            group by several.customer_id
            having count(*) > 1
        )
) as ranked
where judged.place = ranked.place and ranked.nth > 1;

-- name: hold_out_of_all
update judged
set outcome = 'global_holdout', reason = 'in the share of people who get no campaign at all, for comparison'
where outcome is null and holdout_place < 0;

-- name: hold_out
-- A small list is drawn by its exact share: those with the lowest places, which are the same people each time.
with eligible as (
    select count(*) as people
    from judged
    where outcome is null
),

mark as (
    select
        case
            when eligible.people between %(exact_from)s and %(exact_to)s then (
                select judged.holdout_place
                from judged
                where judged.outcome is null
                order by judged.holdout_place
                offset greatest(1, round(eligible.people * %(holdout_percent)s / 100.0))::bigint
                limit 1
            )
            else %(holdout_percent)s / 100.0
        end as place
    from eligible
)

update judged
set
    outcome = 'holdout',
    reason = 'in the ' || %(holdout_percent)s || ' %% who get nothing, for comparison'
from mark
where judged.outcome is null and judged.holdout_place < mark.place;

-- name: keep_within_limit
update judged
set
    outcome = 'over_limit',
    reason = 'the lot did not fall among the ' || %(limit)s || ' that this occurrence is limited to'
from (
    select place
    from judged
    where outcome is null
    order by md5(recipient_key || ':limit:' || %(campaign_id)s || ':' || %(occurrence_key)s)
    offset %(limit)s
) as rest
where judged.place = rest.place;

-- name: counted
select
    coalesce(outcome, 'planned') as outcome,
    count(*) as people
from judged
group by outcome;
