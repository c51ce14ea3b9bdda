"""CDNOW, the data set of the papers: purchases of 2,357 customers of a music shop, 1997 to 1998."""

import pandas as pd
import pytest

from tests.eval import scoring_customers

CALIBRATED_TO = scoring_customers.CALIBRATED_TO
HELD_OUT_TO = scoring_customers.HELD_OUT_TO


@pytest.fixture(scope="session")
def cdnow() -> pd.DataFrame:
    """customer_id, day, revenue."""
    return scoring_customers.cdnow()
