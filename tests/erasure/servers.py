"""Private servers for byte-level proof: own data directory, own port, loopback, stopped by pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PG_BIN = next((p for p in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), Path("/nowhere"))


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def as_user(user: str) -> list[str]:
    return ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []


@contextmanager
def server_folder() -> Iterator[Path]:
    """A folder that a server's own user can enter (pytest's are closed to others)."""
    with tempfile.TemporaryDirectory(prefix="wb-erase-") as text:
        folder = Path(text)
        folder.chmod(0o755)
        yield folder


class Postgres:
    """A throw-away PostgreSQL cluster."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data, self.port = folder / "pg", free_port()
        self.data.mkdir()
        shutil.chown(self.data, "postgres")
        subprocess.run([*as_user("postgres"), str(PG_BIN / "initdb"), "-A", "trust", "-U", "postgres", "-D",
                        str(self.data), "-E", "UTF8", "--locale=C.UTF-8"], check=True, capture_output=True)
        self.settings = {"unix_socket_directories": "", "listen_addresses": "127.0.0.1", "port": str(self.port),
                         "max_connections": "20", "shared_buffers": "32MB", **settings}
        self.start()

    def start(self) -> None:
        options = [x for k, v in self.settings.items() for x in ("-c", f"{k}={v}")]
        self.log = (self.data.parent / "pg.log").open("ab")
        self.process = subprocess.Popen([*as_user("postgres"), str(PG_BIN / "postgres"), "-D", str(self.data), *options],
                                        stdout=self.log, stderr=self.log, cwd="/")
        for _ in range(200):
            try:
                self.sql("SELECT 1")
                return
            except Exception:
                time.sleep(0.1)
        raise RuntimeError("PostgreSQL did not start")

    def sql(self, text: str, db: str = "postgres") -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=db, autocommit=True) as cx:
            cursor = cx.execute(text)
            return cursor.fetchall() if cursor.description else []

    def url(self, db: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{db}"

    def stop(self, how: int = signal.SIGINT) -> None:
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, how)
        self.process.wait(30)
        self.log.close()


class Maria:
    """A throw-away MariaDB server."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data, self.port = folder / "maria", free_port()
        self.data.mkdir()
        shutil.chown(self.data, "mysql")
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--user=mysql",
                        "--auth-root-authentication-method=normal", "--skip-test-db"], check=True, capture_output=True)
        self.settings = {"innodb_buffer_pool_size": "64M", "innodb_log_file_size": "16M", **settings}
        self.start()

    def start(self) -> None:
        options = [f"--{k.replace('_', '-')}={v}" for k, v in self.settings.items()]
        server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        self.process = subprocess.Popen(
            [server, "--no-defaults", f"--datadir={self.data}", "--user=mysql", "--bind-address=127.0.0.1",
             f"--port={self.port}", f"--socket={self.data / 's.sock'}", f"--pid-file={self.data / 'm.pid'}",
             f"--log-error={self.data / 'error.log'}", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                self.sql("SELECT 1")
                return
            except Exception:
                time.sleep(0.1)
        raise RuntimeError("MariaDB did not start")

    def sql(self, text: str, db: str | None = None, many: bool = False) -> list[tuple[object, ...]]:
        import pymysql
        from pymysql.constants import CLIENT

        cx = pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=db, autocommit=True,
                             client_flag=CLIENT.MULTI_STATEMENTS)
        try:
            with cx.cursor() as cursor:
                cursor.execute(text)
                rows = list(cursor.fetchall())
                while cursor.nextset():
                    pass
                return rows
        finally:
            cx.close()

    def url(self, db: str) -> str:
        return f"mariadb://root@127.0.0.1:{self.port}/{db}"

    def stop(self, how: int = signal.SIGTERM) -> None:
        os.kill(int((self.data / "m.pid").read_text()), how)
        self.process.wait(60)


def hits(folder: Path, needle: bytes) -> dict[str, int]:
    """Occurrences of ``needle`` by file, by plain bytes.count: a third way to look, independent of the package."""
    out = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (n := path.read_bytes().count(needle)):
            out[str(path.relative_to(folder))] = n
    return out
