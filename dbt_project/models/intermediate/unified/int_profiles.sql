-- Grain: one row a profile: one record of a person in one source, under the source's own id.
-- Agents of the help desk are no customers and have no profile.
{% set columns = [
    'source_rank', 'first_name', 'last_name', 'full_name', 'email', 'phone', 'country_code', 'region_code', 'city', 'zip',
    'address1', 'locale', 'time_zone', 'birth_date', 'store_id', 'social_handle', 'loyalty_number', 'created_at',
    'updated_at'
] %}
{% set sources = [
    ('shopify', ref('stg_shopify__customers'), {'source_rank': '1', 'full_name': none, 'time_zone': none,
        'birth_date': none}),
    ('files', ref('stg_files__customers'), {'source_rank': '2', 'region_code': none, 'store_id': none}),
    ('order', ref('int_order_profiles'), {'source_rank': '3', 'first_name': none, 'last_name': none,
        'region_code': none, 'time_zone': none, 'birth_date': none, 'store_id': none, 'social_handle': none,
        'loyalty_number': none}),
    ('zendesk', ref('stg_zendesk__users'), {'source_rank': '4', 'first_name': none, 'last_name': none,
        'country_code': none, 'region_code': none, 'city': none, 'zip': none, 'address1': none, 'birth_date': none,
        'social_handle': none, 'loyalty_number': none}),
    ('bluesky', ref('int_social_profiles'), {'source_rank': '5', 'first_name': none, 'last_name': none,
        'full_name': none, 'email': none, 'phone': none, 'country_code': none, 'region_code': none, 'city': none,
        'zip': none, 'address1': none, 'locale': none, 'time_zone': none, 'birth_date': none, 'store_id': none,
        'loyalty_number': none}),
] %}
with

unioned as (

    {% for source, relation, given in sources %}
        select
            profile_key,
            {{ "source" if source == "order" else "'" ~ source ~ "'" }} as source,
            {% for column in columns %}
                {{ profile_column(column, given, is_last=loop.last) }}
            {% endfor %}
        from {{ relation }}
        {{ "where role = 'end-user'" if source == 'zendesk' }}
        {{ "union all" if not loop.last }}
    {% endfor %}

),

named as (

    select
        unioned.*,
        coalesce(unioned.first_name, {{ first_word('unioned.full_name') }}) as given_name,
        coalesce(unioned.last_name, {{ words_after_first('unioned.full_name') }}) as family_name
    from unioned

)

select
    profile_key,
    source,
    source_rank,
    given_name as first_name,
    family_name as last_name,
    coalesce(full_name, nullif(concat_ws(' ', first_name, last_name), '')) as full_name,
    {{ match_text('given_name') }} as match_first_name,
    {{ match_text('family_name') }} as match_last_name,
    email,
    phone,
    country_code,
    region_code,
    city,
    zip,
    address1,
    locale,
    time_zone,
    birth_date,
    store_id,
    social_handle,
    loyalty_number,
    created_at,
    updated_at
from named
