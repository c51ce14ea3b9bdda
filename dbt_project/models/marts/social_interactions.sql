-- Grain: one row a mention, reply, quote, like, repost, follow or post.
with

interactions as (

    select * from {{ ref('stg_bluesky__interactions') }}

),

members as (

    select * from {{ source('identity', 'members') }}

),

joined as (

    select
        interactions.interaction_id,
        members.customer_id,

        'bluesky' as network,
        interactions.author_handle,
        interactions.kind,
        interactions.subject_uri,
        interactions.body_text,

        coalesce(interactions.created_at, interactions.indexed_at) as created_at,
        interactions.indexed_at

    from interactions
    left join members on interactions.profile_key = members.profile_key

)

select * from joined
