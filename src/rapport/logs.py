"""Log lines of a command: plain for people, JSON for machines (RAPPORT_LOG_FORMAT=json)."""

import logging
import os

import structlog


def configure() -> None:
    """To standard error. Under Airflow its own logging is in charge and this is not called."""
    level = os.environ.get("RAPPORT_LOG_LEVEL", "WARNING").upper()
    handler = logging.StreamHandler()
    if os.environ.get("RAPPORT_LOG_FORMAT") == "json":
        handler.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
                    # Without the frames' variables, which hold people's data.
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                ],
                foreign_pre_chain=[
                    structlog.stdlib.add_log_level,
                    structlog.stdlib.add_logger_name,
                    structlog.stdlib.ExtraAdder(),
                ],
            )
        )
    else:
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level if level in logging.getLevelNamesMapping() else "WARNING", handlers=[handler])
