"""The question to people before a campaign is planned, as a task that waits for their answer without holding a slot."""

import logging
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowSkipException

from rapport.campaigns.approving import requests
from rapport.campaigns.approving.approval import ApprovalRefused
from rapport.campaigns.planning import holds
from rapport.db import connect
from rapport.delivery import release
from rapport.errors import GateFailed, PermanentError
from rapport_airflow.connections import runtime

log = logging.getLogger(__name__)

REQUEST = "approval_request"


class CampaignApproval(ApprovalOperator):
    """Ends at once where nothing is to ask. A no skips what follows; silence fails, so that an alert says so.

    Whoever may answer it in Airflow may answer: the role decides, since ids of users differ between its auth managers.
    """

    def __init__(self, *, campaign: str, **arguments: Any) -> None:
        super().__init__(
            subject=f"May {campaign} be sent?",
            body="",
            params={"comment": Param("", type="string", description="Why, for the record.", maxLength=1000)},
            # Replaced by the question's own; without one, Airflow would take the task's execution_timeout for it.
            response_timeout=timedelta(days=1),
            **arguments,
        )
        self.campaign = campaign

    def execute(self, context: Context) -> Any:
        settings, clock = runtime("sendgrid", "smtp")
        by = getattr(context["dag_run"], "triggering_user_name", None)
        try:
            asked = release.ask(self.campaign, settings, clock, requested_by=by)
        except ApprovalRefused as refused:
            # Decided and on record; to fail at each run would cry wolf.
            raise AirflowSkipException(str(refused)) from refused
        if asked is None:
            log.info("%s: nothing is to approve", self.campaign)
            return None
        request = asked.request
        # The answer belongs to what was shown, though the folder may be edited while people read.
        context["ti"].xcom_push(REQUEST, str(request["request_id"]))
        self.subject = f"May {self.campaign} {request['occurrence_key']} be sent to {request['audience']:,} people?"
        self.body = asked.body
        self.response_timeout = max(request["expires_at"] - clock.now(), timedelta(seconds=1))
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        settings, clock = runtime()
        request_id = context["ti"].xcom_pull(task_ids=self.task_id, key=REQUEST)
        if "error" in event:
            return self._unanswered(request_id)
        verdict: requests.Verdict = "approved" if event["chosen_options"] == [self.APPROVE] else "refused"
        user = event["responded_by_user"] or {}
        comment = str((event["params_input"] or {}).get("comment") or "")
        try:
            who = str(user.get("name") or user.get("id") or "")
            request = requests.answer(settings, request_id, who, verdict, clock.now(), comment=comment)
        except PermanentError as error:
            request = self._request(request_id)
            if requests.state_at(request, clock.now()) != "open":
                return self._decided_elsewhere(request, verdict, error)
            log.warning("this answer does not count: %s", error)
        if request["state"] == "open":
            log.info("%d of %d people have agreed", len(request["approved_by"]), request["people_needed"])
            self.response_timeout = max(request["expires_at"] - clock.now(), timedelta(seconds=1))
            return super().execute(context)
        if verdict == "refused":
            reason = f"refused by {request['refused_by']}{': ' + comment if comment else ''}"
            holds.hold(settings, self.campaign, request["occurrence_key"], "refused", reason, clock)
        return super().execute_complete(context, event)

    def _unanswered(self, request_id: str) -> None:
        """Raises GateFailed, unless it was answered where Airflow does not look."""
        request = self._request(request_id)
        if request["state"] == "approved":
            return
        settings, clock = runtime()
        told = (
            f"nobody answered until {request['expires_at']:%Y-%m-%d %H:%M} UTC, so nothing is sent; the next "
            "occurrence asks anew"
        )
        holds.hold(settings, self.campaign, request["occurrence_key"], "unanswered", told, clock)
        raise GateFailed(f"{self.campaign} {request['occurrence_key']}: {told}")

    def _decided_elsewhere(self, request: requests.Request, verdict: str, error: PermanentError) -> None:
        """A yes to what was approved at a command line changes nothing; a no comes too late, and says so."""
        if request["state"] == "approved" and verdict == "approved":
            return
        raise GateFailed(
            f"{self.campaign}: {error}. To call back what was planned: `rapport deliver cancel`"
        ) from error

    def _request(self, request_id: str) -> requests.Request:
        settings, _ = runtime()
        with connect("engine", settings=settings) as conn:
            return requests.read(conn, request_id)
