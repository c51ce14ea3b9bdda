"""### Keeps the house clean and says what a person should look at.

#### What
`clean_up` removes what is kept for a time only: quarantined records, visitors' events, addresses of old requests for
mail, results of old builds, old task logs and Data Docs runs. `sync_suppressions` makes SendGrid's lists of bounces,
complaints and unsubscribes and ours the same, and suppresses people who have long gone quiet (off unless
`RAPPORT_SUNSET_DAYS` is set). `learn_mailboxes` asks who receives mail for domains that are new, so that each mailbox
provider gets its own rate. `check_delivery` fails when sends are quarantined, unknown or overdue, when events stand
unread, when no web event came for a day, when the audience has not passed its gate for long, or when sending is
stopped. `check_campaigns` reads every folder under `campaigns/`.

#### When
Daily at 03:30 UTC.

#### Who cares
The data engineer, in the morning; the marketer whose campaign is named.

#### What to do if it fails
- `check_delivery` and `check_campaigns` list what they found, one finding a line, with what to do about each.
- `clean_up`: read its error; nothing else depends on it.
- `learn_mailboxes`: nothing waits for it; a domain that is not known yet counts as `rest`.
- `sync_suppressions`: it only ever adds, so start it again; with 401 or 403 the key may not read suppressions.
"""

from pathlib import Path

from airflow.sdk import conf, dag, task
from rapport_airflow.connections import runtime
from rapport_airflow.house import HOUSE
from rapport_airflow.tags import Tag

from rapport import maintenance
from rapport.delivery import mailboxes


@dag(**HOUSE, schedule="30 3 * * *", tags=[Tag.MAINTENANCE], doc_md=__doc__)
def maintain() -> None:
    @task
    def clean_up() -> None:
        logs = Path(conf.get("logging", "base_log_folder"))
        print(maintenance.clean_up(*runtime(), folders=[logs]))

    @task
    def sync_suppressions() -> None:
        print(maintenance.sync_suppressions(*runtime("sendgrid")))

    @task
    def learn_mailboxes() -> None:
        settings, _ = runtime()
        print(f"learned who stands behind {mailboxes.learn_mailboxes(settings)} domains")

    @task
    def check_delivery() -> None:
        maintenance.check_delivery(*runtime())

    @task
    def check_campaigns() -> None:
        maintenance.check_campaigns(*runtime())

    clean_up()
    sync_suppressions()
    learn_mailboxes()
    check_delivery()
    check_campaigns()


maintain()
