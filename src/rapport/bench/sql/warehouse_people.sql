-- name: customers
-- Names and towns are long-tailed, as they are; one in five lives with the one before and has their surname. Every
-- fiftieth account is somebody's second one: under the same address, with a slip or an initial, or under another address.
insert into raw_shopify.customers (
    id, first_name, last_name, email, phone, email_marketing_state, email_consent_updated_at, locale, country_code, city,
    zip, address1, tags, created_at, updated_at, _dlt_load_id, _dlt_id
)
with
syllables as (
    select regexp_split_to_array(
        'a bel car da el fi gor ha is jo ka lu mar ni or pa que ri sa tim ul vi wen xa yo zel bri cle dro fre gla kri mon net'
        ' pol ros ste tha vin wal', ' '
    ) as s
),

-- A draw that belongs to the person or the household, not to the account.
drawn as (
    select
        *,
        (hashint8extended(who, 1) & 65535) / 65536.0::float8 as u_first,
        hashint8extended(house, 2) as draw
    from (
        select
            n,
            who,
            case when who %% 5 = 0 then who - 1 else who end as house,
            %(as_of)s::timestamptz - random() * interval '1095 days' as at
        from (
            select n, case when n %% 50 = 0 then n - 7 else n end as who
            from generate_series(%(first)s::integer, %(last)s::integer) as n
        ) as numbered
    ) as made
),

-- The rank r of one in m is as frequent as 1 / (r + 20).
ranked as (
    select
        *,
        floor(20 * (76::float8 ^ u_first - 1))::integer * 7919 %% 1500 as first,
        floor(20 * (1001::float8 ^ ((draw & 1048575) / 1048576.0::float8) - 1))::integer * 7919 %% 20000 as last,
        floor(20 * (101::float8 ^ ((draw >> 20 & 65535) / 65536.0::float8) - 1))::integer as town
    from drawn
),

named as (
    select
        ranked.*,
        initcap(s[1 + first %% 40] || s[1 + first / 40]) as first_name,
        initcap(s[1 + last %% 40] || s[1 + last / 40 %% 25] || s[1 + last / 1000]) as last_name,
        initcap(s[1 + town %% 40] || s[1 + town / 40 %% 40]) || case when town >= 1600 then 'ham' else 'ton' end as city,
        -- A large town has many postal codes.
        lpad(town::text, 4, '0') || ' ' || (draw >> 36 & 255) %% (1 + 1200 / (town + 20)) as zip,
        1 + house %% 90 || ' ' || initcap(s[1 + (draw >> 44 & 255)::integer %% 40]) || ' Street' as address1
    from ranked
    cross join syllables
)

select
    'gid://shopify/Customer/' || n,
    case when n %% 200 = 100 then left(first_name, 1) else first_name end,
    case when n %% 200 = 50 then overlay(last_name placing reverse(substr(last_name, 3, 2)) from 3) else last_name end,
    case
        when n %% 200 = 150 then lower(first_name || '.' || last_name) || n || '@example.net'
        else 'person' || who || '@example.com'
    end,
    case when n %% 4 = 0 then '+4477' || lpad(who::text, 8, '0') end,
    (array['SUBSCRIBED', 'SUBSCRIBED', 'UNSUBSCRIBED', 'NOT_SUBSCRIBED'])[1 + n %% 4],
    at,
    'en-GB',
    (array['GB', 'GB', 'GB', 'DE', 'FR', 'US'])[1 + n %% 6],
    city,
    zip,
    address1,
    '[]',
    at,
    at,
    %(load)s,
    'c' || n
from named;
