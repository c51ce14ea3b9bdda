-- name: former_results
-- Of the campaign itself, or of all campaigns of the topic but it. `people` are messages accepted.
select
    coalesce(sum(result.accepted), 0)::bigint as people,
    coalesce(sum(result.delivered), 0)::bigint as delivered,
    coalesce(sum(result.clicked), 0)::bigint as clicked,
    coalesce(sum(result.unsubscribed), 0)::bigint as unsubscribed,
    coalesce(sum(result.complained), 0)::bigint as complained,
    count(distinct (result.campaign_id, result.occurrence_key)) as occurrences
from marts.campaign_results as result
inner join ops.campaign as campaign on result.campaign_id = campaign.campaign_id
where
    campaign.topic = %(topic)s
    and (result.campaign_id = %(campaign_id)s) = %(own)s
    and campaign.kind != 'confirmation';

-- name: has_results
select to_regclass('marts.campaign_results') is not null as there;
