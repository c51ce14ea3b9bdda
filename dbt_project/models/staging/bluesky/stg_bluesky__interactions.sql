with

source as (

    select * from {{ source('bluesky', 'interactions') }}

),

renamed as (

    select
        id as interaction_id,
        'bluesky:' || author_did as profile_key,
        author_did,

        lower(author_handle) as author_handle,
        {{ clean_text('author_display_name') }} as author_display_name,
        kind,
        subject_uri,
        text as body_text,
        langs,

        created_at::timestamptz as created_at,
        indexed_at::timestamptz as indexed_at

    from source

)

select * from renamed
