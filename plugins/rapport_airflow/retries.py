"""Rapport's errors in Airflow's terms: retry what may pass, as late as the other side asked; fail the rest at once."""

from datetime import timedelta

from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.definitions.context import Context

from rapport.errors import AmbiguousError, PermanentError, TransientError

# A vendor that asks for more than this is better served by the next scheduled run.
LONGEST_WAIT = timedelta(minutes=15)


class RapportRetryPolicy(RetryPolicy):
    """Decides by the error itself; errors of other libraries follow the task's own `retries`."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, PermanentError):
            return RetryDecision.fail(f"a retry cannot help: {exception}")
        if isinstance(exception, AmbiguousError):
            return RetryDecision.fail(f"a retry could do it twice: {exception}")
        if isinstance(exception, TransientError) and exception.retry_after is not None:
            wait = min(timedelta(seconds=exception.retry_after), LONGEST_WAIT)
            return RetryDecision.retry(wait, f"the other side asked for {exception.retry_after:.0f} s: {exception}")
        return RetryDecision.default()
