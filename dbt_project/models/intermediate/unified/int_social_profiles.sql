-- Grain: one row a social account that has a public profile or did something with the shop.
with

profiles as (

    select
        profile_key,
        handle as social_handle,
        display_name,
        created_at,
        indexed_at as updated_at
    from {{ ref('stg_bluesky__profiles') }}

),

authors as (

    select distinct on (profile_key)
        profile_key,
        author_handle as social_handle,
        author_display_name as display_name,
        min(created_at) over (partition by profile_key) as created_at,
        indexed_at as updated_at
    from {{ ref('stg_bluesky__interactions') }}
    where profile_key is not null
    order by profile_key asc, indexed_at desc nulls last, interaction_id asc

)

select * from profiles
union all
select * from authors
where not exists (
    select 1 from profiles
    where profiles.profile_key = authors.profile_key
)
