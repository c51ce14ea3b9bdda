-- Grain: one row a campaign, occurrence and variant that somebody was held out of: what the variant changed a person,
-- by Welch's comparison of all whom the lot gave it with all who were held out. An interval of 95 % goes 1.96 errors
-- either way. Those held out of the campaign are the comparison; only where there are none, those held out of all
-- campaigns.
with

arms as (

    select
        campaign_id,
        occurrence_key,
        arm,
        sum(people_count) as people_count,
        sum(visitors_count) as visitors_count,
        sum(orders_count) as orders_count,
        sum(orders_squares) as orders_squares,
        sum(reporting_revenue) as reporting_revenue,
        sum(revenue_squares) as revenue_squares,
        max(effect_ends_at) as effect_ends_at,
        bool_and(is_effect_complete) as is_effect_complete
    from {{ ref('campaign_arms') }}
    group by campaign_id, occurrence_key, arm

),

held_out as (

    select distinct on (campaign_id, occurrence_key) *
    from arms
    where arm in ('holdout', 'global_holdout')
    order by campaign_id asc, occurrence_key asc, arm = 'holdout' desc

)

select
    variants.campaign_id,
    variants.occurrence_key,
    variants.arm as variant,
    held_out.arm as holdout,
    variants.people_count,
    held_out.people_count as holdout_count,
    {% for total, squares in [
        ('visitors_count', 'visitors_count'), ('orders_count', 'orders_squares'), ('reporting_revenue', 'revenue_squares')
    ] -%}
        (
            variants.{{ total }}::double precision / variants.people_count
            - held_out.{{ total }}::double precision / held_out.people_count
        ) as {{ total }}_change,
        1.96 * sqrt(
            {{ variance_of_mean('variants.people_count', 'variants.' ~ total, 'variants.' ~ squares) }}
            + {{ variance_of_mean('held_out.people_count', 'held_out.' ~ total, 'held_out.' ~ squares) }}
        ) as {{ total }}_margin,
    {% endfor -%}
    greatest(variants.effect_ends_at, held_out.effect_ends_at) as effect_ends_at,
    variants.is_effect_complete and held_out.is_effect_complete as is_effect_complete
from arms as variants
inner join held_out
    on variants.campaign_id = held_out.campaign_id and variants.occurrence_key = held_out.occurrence_key
where variants.arm not in ('holdout', 'global_holdout')
