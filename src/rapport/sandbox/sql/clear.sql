-- name: sold_out
delete from sold_out

-- name: shopify_redemptions
delete from shopify_redemptions

-- name: shopify_code_creations
delete from shopify_code_creations

-- name: shopify_discount_codes
delete from shopify_discount_codes

-- name: shopify_discounts
delete from shopify_discounts

-- name: accounts
delete from accounts

-- name: web_devices
delete from web_devices

-- name: web_outbox
delete from web_outbox

-- name: persons
delete from persons

-- name: shopify_customers
delete from shopify_customers

-- name: shopify_orders
delete from shopify_orders

-- name: shopify_products
delete from shopify_products

-- name: zendesk_users
delete from zendesk_users

-- name: zendesk_tickets
delete from zendesk_tickets

-- name: bluesky_profiles
delete from bluesky_profiles

-- name: bluesky_interactions
delete from bluesky_interactions

-- name: meta
delete from meta
