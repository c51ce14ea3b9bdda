"""The delivery proof one level up: a real Airflow scheduler whose tasks are killed, cleared, backfilled and doubled."""
