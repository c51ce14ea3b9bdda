-- name: lock
-- One run at a time; readers go on reading what was there.
lock table scores.quality in share row exclusive mode

-- name: newest
select max(as_of) as as_of from scores.quality

-- name: quality
copy scores.quality (
    run_id, score, figure, value, baseline, baseline_value, higher_is_better, rows_count, model, published, remark,
    as_of
) from stdin

-- name: clear_lifetime
delete from scores.lifetime

-- name: fill_lifetime
copy scores.lifetime (
    customer_id, currency_code, p_alive, expected_orders_90d, expected_orders_365d, expected_value_90d,
    expected_value_365d, model, as_of
) from stdin (format csv)

-- name: clear_churn
delete from scores.churn

-- name: fill_churn
copy scores.churn (customer_id, order_probability_30d, churn_probability_90d, next_order_days, model, as_of)
from stdin (format csv)

-- name: clear_send_time
delete from scores.send_time

-- name: fill_send_time
copy scores.send_time (customer_id, best_send_hour, send_hour_confidence, explore_send_hour, model, as_of)
from stdin (format csv)

-- name: clear_recommendations
delete from scores.recommendations

-- name: fill_recommendations
copy scores.recommendations (customer_id, rank, product_id, score, because_product_id, model, as_of)
from stdin (format csv)

-- name: clear_product_pairs
delete from scores.product_pairs

-- name: fill_product_pairs
copy scores.product_pairs (
    product_id, rank, companion_id, orders_count, support, confidence, confidence_low, lift, model, as_of
) from stdin (format csv)

-- name: clear_sales_forecast
delete from scores.sales_forecast

-- name: fill_sales_forecast
copy scores.sales_forecast (day, category, currency_code, expected_revenue, low_80, high_80, model, as_of)
from stdin (format csv)
