"""The embedded Postgres: `initdb` and `pg_ctl` of a wheel or an installed server, data under `.rapport/postgres`."""

import fcntl
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from rapport.db.binaries import find_binaries
from rapport.errors import PermanentError, TransientError
from rapport.settings import Settings, local_secrets

SUPERUSER = "rapport"
DATABASES = ("rapport", "airflow")
PREFERRED_PORT = 5433

# fsync and synchronous_commit stay on: the delivery ledger rests on them. wal_level minimal is as safe: a table filled
# in the transaction that makes it, as each build does with all of them, is written once rather than also to the log.
# What it rules out is a standby or continuous archiving; a server for those is given by RAPPORT_DATABASE_URL.
CONFIGURATION = """\
listen_addresses = '127.0.0.1'
max_connections = 120
shared_buffers = 256MB
work_mem = 64MB
maintenance_work_mem = 256MB
effective_cache_size = 1GB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 4GB
checkpoint_completion_target = 0.9
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_min_duration_statement = 5000
"""


@dataclass(frozen=True)
class EmbeddedPostgres:
    """One server in one folder. Its superuser's password is the installation's own."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "postgres" / "data"

    def start(self) -> int:
        """Starts the server, making it first if there is none; returns its port. A running one is left alone."""
        with self._lock():
            port = self.port()
            if port is not None:
                return port
            if not (self.data / "PG_VERSION").exists():
                self._initialise()
            port = self._launch()
            self._create_databases(port)
            return port

    def _launch(self) -> int:
        """A port that was free a moment ago may be another server's by now: then another one is taken."""
        port = free_port(PREFERRED_PORT)
        try:
            self._start_at(port)
        except TransientError:
            if free_port(port) == port:
                raise
            port = free_port(0)
            self._start_at(port)
        return port

    def _start_at(self, port: int) -> None:
        log = self.data.parent / "server.log"
        # Socket paths are limited to about 100 bytes, so the socket cannot lie in a deep clone: TCP only.
        options = f"-p {port} -c unix_socket_directories="
        self._run("pg_ctl", "-D", str(self.data), "-l", str(log), "-w", "-t", "60", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stops the server; does nothing when it does not run."""
        if self.port() is not None:
            self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def port(self) -> int | None:
        """The port of the running server, else None."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            pid, port = int(lines[0]), int(lines[3])
            os.kill(pid, 0)
        except (OSError, ValueError, IndexError):
            return None
        return port

    def url(self, database: str = "rapport") -> str:
        port = self.port()
        if port is None:
            raise PermanentError(
                "No database: RAPPORT_DATABASE_URL is not set and the embedded Postgres is not running. "
                "Start it with `rapport db start`, or run `make demo`."
            )
        password = quote(local_secrets(self.home)["database_password"], safe="")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}"

    def _initialise(self) -> None:
        root = self.data.parent
        root.mkdir(parents=True, exist_ok=True)
        user = _unprivileged_user()
        if user is not None:
            os.chown(root, user.pw_uid, user.pw_gid)
        shutil.rmtree(self.data, ignore_errors=True)
        with tempfile.NamedTemporaryFile("w", dir=root, prefix="pw") as secret:
            secret.write(local_secrets(self.home)["database_password"])
            secret.flush()
            if user is not None:
                os.chown(secret.name, user.pw_uid, user.pw_gid)
            arguments = (
                "-U",
                SUPERUSER,
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C",
                "--pwfile",
                secret.name,
            )
            self._run("initdb", "-D", str(self.data), *arguments)
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.write(CONFIGURATION)

    def _create_databases(self, port: int) -> None:
        import psycopg

        password = local_secrets(self.home)["database_password"]
        with psycopg.connect(
            host="127.0.0.1", port=port, user=SUPERUSER, password=password, dbname="postgres", autocommit=True
        ) as conn:
            there = {row[0] for row in conn.execute("select datname from pg_database")}
            for name in DATABASES:
                if name not in there:
                    conn.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))

    def _run(self, program: str, *arguments: str) -> None:
        command = _as_unprivileged([str(find_binaries() / program), *arguments], self.data.parent)
        # pg_ctl hands its output on to the server, so a pipe here would never close.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd="/", check=False)
            output.seek(0)
            text = output.read().strip()
        if done.returncode:
            raise TransientError(f"{program} failed: {text[-800:]} (see {self.data.parent / 'server.log'})")

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Two commands started at once must not both make the server."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "postgres.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


@contextmanager
def awake(settings: Settings) -> Iterator[None]:
    """Our own server runs within the block: one that was off is started, and stopped again after it."""
    server = EmbeddedPostgres(settings.home)
    was_off = not settings.database_url and server.port() is None
    if was_off:
        server.start()
    try:
        yield
    finally:
        if was_off:
            server.stop()


def running_url(settings: Settings, database: str) -> str:
    """URL of the running embedded server; raises PermanentError that says how to start it."""
    return EmbeddedPostgres(settings.home).url(database)


def free_port(preferred: int, taken: Sequence[int] = ()) -> int:
    """The preferred TCP port on 127.0.0.1, or a free one when it is taken."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
            if port not in taken:
                return port
    return free_port(0, taken)


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root, so root lends it another user; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PermanentError("Postgres cannot run as root and there is no user `postgres` or `nobody` to run it as.")


def _as_unprivileged(command: list[str], folder: Path) -> list[str]:
    user = _unprivileged_user()
    if user is None:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PermanentError("Running as root needs `setpriv` (package util-linux), or run as an ordinary user.")
    drop = [setpriv, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not (_reachable(folder) and _reachable(Path(command[0]).parent)):
        # A clone below a private folder such as root's home: the server keeps the one right to walk through it.
        drop += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*drop, "--", *command]


def _reachable(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)
