with

source as (

    select * from {{ source('bluesky', 'profiles') }}

),

renamed as (

    select
        'bluesky:' || id as profile_key,
        id as did,

        lower(handle) as handle,
        {{ clean_text('display_name') }} as display_name,

        followers_count::bigint as followers_count,

        created_at::timestamptz as created_at,
        indexed_at::timestamptz as indexed_at

    from source

)

select * from renamed
