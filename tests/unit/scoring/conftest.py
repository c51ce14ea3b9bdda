"""CDNOW, the data set of the papers: purchases of 2,357 customers of a music shop, 1997 to 1998."""

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

CALIBRATED_TO = pd.Timestamp("1997-09-30")
HELD_OUT_TO = pd.Timestamp("1998-06-30")


@pytest.fixture(scope="session")
def cdnow() -> pd.DataFrame:
    """customer_id, day, revenue."""
    package = importlib.util.find_spec("lifetimes")
    assert package
    assert package.submodule_search_locations
    path = Path(package.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    columns = ["master_id", "customer_id", "day", "cds", "revenue"]
    orders = pd.read_csv(path, sep=r"\s+", header=None, names=columns, dtype={"customer_id": "str", "day": "str"})
    orders["day"] = pd.to_datetime(orders["day"])
    return orders[["customer_id", "day", "revenue"]]
