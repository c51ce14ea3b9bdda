"""### One DAG `campaign_<name>` for each folder under `campaigns/`.

#### What
Each plans its campaign on the campaign's own calendar and time zone and does nothing else. What they have in
common, and their notes, stand in `plugins/rapport_airflow/campaign_dags.py`; what they say and to whom stands
in the campaign's folder.

#### When
As each folder's `campaign.yml` says.

#### Who cares
The owner named in the folder.

#### What to do if it fails
- A DAG tagged `broken` names what cannot be read in its folder; the other campaigns are not touched by it.
"""

from rapport_airflow.campaign_dags import campaign_dags

for dag in campaign_dags():
    globals()[dag.dag_id] = dag
