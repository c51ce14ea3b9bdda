"""The thin shell between Airflow and `rapport`: assets, tags, retries, connections and alerts."""
