-- name: store_orders
update raw_shopify.orders
set
    customer_id = null,
    email = null,
    phone = null,
    shipping_address = jsonb_build_object('countryCodeV2', shipping_address ->> 'countryCodeV2')
where
    'shopify:' || customer_id = any(%(keys)s)
    or lower(btrim(email)) = %(email)s
    or (customer_id is null and email is null and 'guest:' || phone = any(%(keys)s));

-- name: store_accounts
delete from raw_shopify.customers
where 'shopify:' || id = any(%(keys)s) or lower(btrim(email)) = %(email)s;

-- name: tickets
update raw_zendesk.tickets
set
    requester_id = null,
    subject = null,
    description = null
where 'zendesk:' || requester_id = any(%(keys)s);

-- name: help_desk_users
delete from raw_zendesk.users
where 'zendesk:' || id = any(%(keys)s) or lower(btrim(email)) = %(email)s;

-- name: social_interactions
delete from raw_bluesky.interactions
where 'bluesky:' || author_did = any(%(keys)s);

-- name: social_profiles
delete from raw_bluesky.profiles
where 'bluesky:' || id = any(%(keys)s);

-- name: lines_of_files
update raw_files.order_lines
set
    customer_id = null,
    email = null,
    phone = null
where 'files:' || feed || ':' || customer_id = any(%(keys)s) or lower(btrim(email)) = %(email)s;

-- name: loyalty_of_files
delete from raw_files.loyalty
where
    lower(btrim(email)) = %(email)s
    or id in (
        select customers.loyalty_number
        from raw_files.customers as customers
        where 'files:' || customers.feed || ':' || customers.id = any(%(keys)s)
    );

-- name: customers_of_files
delete from raw_files.customers
where 'files:' || feed || ':' || id = any(%(keys)s) or lower(btrim(email)) = %(email)s;

-- name: visits
-- An account's number is what the shop's pages send; it is what stands last in the profile's key.
delete from raw_web.events
where
    user_id in (
        select regexp_replace(known.profile_key, '^.*[:/]', '')
        from unnest(%(keys)s::text[]) as known (profile_key)
        where known.profile_key ~ '^(shopify|files):'
    );

-- name: quarantined_records
delete from landing.quarantine
where strpos(lower(record::text), %(email)s) > 0;
