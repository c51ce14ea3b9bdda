"""### Scores customers, products and days from what was just published.

#### What
`score`: lifetime value, churn, recommendations, basket pairs, send hours and the sales forecast. A score that
does not beat its naive rule keeps yesterday's rows; `scores.quality` says so.

#### When
After each publication of `build_customers`.

#### Who cares
The analyst who reads the schema `scores`. No mail waits for it.

#### What to do if it fails
- Yesterday's scores stay. The log names the score and what was wrong with its data; clear the task once the
  cause is gone.
"""

from airflow.sdk import dag, task
from rapport_airflow.assets import CAMPAIGN_AUDIENCE
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline


@dag(**HOUSE, schedule=CAMPAIGN_AUDIENCE, tags=[Tag.TRANSFORM], doc_md=__doc__)
def score_customers() -> None:
    @task
    def score() -> None:
        print(pipeline.score(*runtime()))

    score()


score_customers()
