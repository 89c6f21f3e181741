"""What the processes of the shop write down, apart from the audit lines: a JSON object a line, on standard output."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from gunicorn.glogging import Logger


class JsonLines(logging.Formatter):
    """A log record as one JSON object on one line, whatever it holds."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "service": self.service,
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["trace_back"] = self.formatException(record.exc_info)
        return json.dumps(line)


class NoAccessLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own messages alone: what was asked, and by whom, the audit line says (`services.audit`)."""

    def access(self, *_: object) -> None:
        """Nothing; gunicorn would gather all that an access log can say, whether one is kept or not."""


def configuration(service: str) -> dict[str, Any]:
    """For `logging.config.dictConfig`."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines, "service": service}},
        "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": sys.stdout, "formatter": "json"}},
        "root": {"level": "WARNING", "handlers": ["stdout"]},
        "loggers": {"gunicorn.error": {"level": "INFO", "handlers": ["stdout"], "propagate": False}},
    }
