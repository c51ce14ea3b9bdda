"""### Sends what is due and settles what the provider has answered.

#### What
`dispatch` claims due sends, checks consent and suppression inside the claim and hands them to the mail provider;
`reconcile` reads the provider's events, settles unknown sends by evidence and expires what is too late. They
stand side by side: neither waits for the other, neither hides the other's failure, and both may be repeated
at any moment without sending twice.

#### When
Every minute; `dispatch` ends when nothing is due.

#### Who cares
The marketer whose campaign is going out, and every recipient.

#### What to do if it fails
- Stop all sending at once: `rapport deliver stop`; go on: `rapport deliver resume`.
- `dispatch` with 401: the key in the connection `sendgrid` is wrong; nothing is lost, the sends stay pending
  until they expire.
- The restore guard stands (a backup was restored, a standby promoted): read `docs/runbook/restored-database.md`;
  nothing is sent until `rapport deliver adopt`.
- `reconcile` fails: unknown sends wait, nothing is doubled. Are events coming in? `rapport deliver status`
  says.
- No retries here: the next minute is the retry.
"""

from airflow.sdk import dag, task
from rapport_airflow import minute
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag


@dag(**HOUSE, schedule="* * * * *", tags=[Tag.DELIVERY, Tag.URGENT], doc_md=__doc__)
def deliver() -> None:
    @task(retries=0)
    def dispatch() -> None:
        minute.dispatch(*runtime("sendgrid", "smtp"))

    @task(retries=0)
    def reconcile() -> None:
        minute.reconcile(*runtime("sendgrid", "smtp"))

    dispatch()
    reconcile()


deliver()
