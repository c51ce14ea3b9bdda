"""Columns of the audience that a condition may look at, with what they hold. Not among them: the address, and what
belongs to the planner itself."""

# As dbt's contract of activation.campaign_audience says it, in fewer words. Objects are only there or not.
COLUMNS: dict[str, str] = {
    **dict.fromkeys(
        (
            "first_name",
            "last_name",
            "locale",
            "language",
            "country_code",
            "time_zone",
            "time_zone_source",
            "rfm_group",
            "last_product_title",
            "favourite_category",
            "favourite_brand",
            "replenishment_product_title",
            "first_order_channel",
            "currency_code",
            "loyalty_tier",
        ),
        "text",
    ),
    **dict.fromkeys(
        (
            "orders_count",
            "orders_count_365d",
            "revenue",
            "average_order_value",
            "days_since_last_order",
            "days_until_birthday",
            "open_tickets_count",
            "probability_alive",
            "expected_orders_90d",
            "expected_revenue_90d",
            "churn_risk",
            "best_send_hour",
            "loyalty_points",
            "loyalty_points_expiring",
        ),
        "number",
    ),
    **dict.fromkeys(("first_order_at", "last_order_at", "last_seen_at", "loyalty_points_expire_on"), "moment"),
    "segments": "list",
    **dict.fromkeys(("cart", "viewed_products", "recommended_products", "purchased_products"), "object"),
}
