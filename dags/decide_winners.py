"""### Gives the better version of a mail to those who waited for it.

#### What
`decide` looks for occurrences of an experiment whose `winner.after` is over, compares the versions that a part of
the readers tried, and gives the rest the one that was clearly better, else the control. Each occurrence is decided
once; `ops.experiment_decision` keeps the figures. Sends nothing itself.

#### When
Every five minutes. Nobody who waits is due earlier than 15 minutes after the time to decide.

#### Who cares
The marketer whose experiment it is.

#### What to do if it fails
- Nothing is sent twice and nothing is lost: those who wait get the control when they are due.
- No retries here: the next run is the retry.
- Nothing won: `rapport campaign results <name>` shows the figures and how many people more it would take.
"""

from airflow.sdk import dag, task
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import pipeline


@dag(**HOUSE, schedule="*/5 * * * *", tags=[Tag.CAMPAIGN], doc_md=__doc__)
def decide_winners() -> None:
    @task(retries=0)
    def decide() -> None:
        for line in pipeline.decide_winners(*runtime()):
            print(line)

    decide()


decide_winners()
