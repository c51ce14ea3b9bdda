"""Health check of a container: exit code 0 when the address answers with a success."""

import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:  # noqa: S310 - the address stands in docker-compose.yml
    sys.exit(0 if answer.status < 300 else 1)
