"""Private servers for byte-level proof: own data directory, own port, loopback, stopped by pid."""

from __future__ import annotations

import contextlib
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
from typing import Any

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

    shop = """
        CREATE TABLE c (id int PRIMARY KEY, name text NOT NULL);
        CREATE TABLE o (id int PRIMARY KEY, c int NOT NULL REFERENCES c(id), placed date, address text);
        CREATE INDEX ON o(c);
        INSERT INTO c SELECT i, 'CANARYNAME' || i || '王' FROM generate_series(1, {rows}) i;
        INSERT INTO o SELECT i, 1 + i % {rows}, date '2010-01-01' + i % 5000, 'CANARYADDR' || i
            FROM generate_series(1, 3 * {rows}) i;"""
    block = "LOCK TABLE c IN SHARE MODE"

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
        command = [*as_user("postgres"), str(PG_BIN / "postgres"), "-D", str(self.data), *options]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd="/")
        for _ in range(600):
            try:
                self.sql("SELECT 1")
                return
            except Exception:
                time.sleep(0.1)
            if self.process.poll() is not None:  # a killed server's children hold its memory until they notice
                self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd="/")
        raise RuntimeError("PostgreSQL did not start")

    def connect(self, db: str = "postgres") -> Any:
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=db)

    def fill(self, db: str, rows: int) -> None:
        """A database of ``rows`` customers with three orders each, in place of an earlier one."""
        self.sql(f"DROP DATABASE IF EXISTS {db} WITH (FORCE)")
        self.sql(f"CREATE DATABASE {db}")
        self.sql(self.shop.format(rows=rows), db)

    def cut(self, db: str) -> None:
        """End every session in ``db``."""
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{db}'")

    def sql(self, text: str, db: str = "postgres") -> list[tuple[object, ...]]:
        import psycopg

        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=db, autocommit=True) as cx:
            cursor = cx.execute(text)
            return cursor.fetchall() if cursor.description else []

    def url(self, db: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{db}"

    def stop(self, how: int = signal.SIGINT) -> None:
        with contextlib.suppress(FileNotFoundError):  # a full disk ended it before
            os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), how)
        self.process.wait(30)
        self.log.close()

    def crash(self) -> None:
        """kill -9, and the recovery that follows."""
        self.stop(signal.SIGKILL)
        self.start()


class Maria:
    """A throw-away MariaDB server."""

    shop = """
        CREATE TABLE c (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL) CHARACTER SET utf8mb4;
        CREATE TABLE o (id INT PRIMARY KEY, c INT NOT NULL, placed DATE, address VARCHAR(60), FOREIGN KEY (c) REFERENCES c(id));
        INSERT INTO c SELECT seq, CONCAT('CANARYNAME', seq, '王') FROM seq_1_to_{rows};
        INSERT INTO o SELECT seq, 1 + seq % {rows}, '2010-01-01' + INTERVAL seq % 5000 DAY, CONCAT('CANARYADDR', seq)
            FROM seq_1_to_{many};"""
    block = "SELECT count(*) FROM c FOR UPDATE"

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data, self.port = folder / "maria", free_port()
        self.data.mkdir()
        shutil.chown(self.data, "mysql")
        pages = [f"--innodb-page-size={v}" for k, v in settings.items() if k == "innodb_page_size"]
        subprocess.run(["mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--user=mysql",
                        "--auth-root-authentication-method=normal", "--skip-test-db",
                        *pages], check=True, capture_output=True)
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

    def connect(self, db: str | None = None) -> Any:
        import pymysql

        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=db)

    def fill(self, db: str, rows: int) -> None:
        """A database of ``rows`` customers with three orders each, in place of an earlier one."""
        self.sql(f"DROP DATABASE IF EXISTS {db}; CREATE DATABASE {db} CHARACTER SET utf8mb4")
        self.sql(self.shop.format(rows=rows, many=3 * rows), db)

    def cut(self, db: str) -> None:
        """End every session in ``db``."""
        for (number,) in self.sql(f"SELECT id FROM information_schema.processlist WHERE db = '{db}'"):
            with contextlib.suppress(Exception):  # it may have ended meanwhile
                self.sql(f"KILL {number}")

    def url(self, db: str) -> str:
        return f"mariadb://root@127.0.0.1:{self.port}/{db}"

    def stop(self, how: int = signal.SIGTERM) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.kill(int((self.data / "m.pid").read_text()), how)
        self.process.wait(60)

    def crash(self) -> None:
        """kill -9, and the recovery that follows."""
        self.stop(signal.SIGKILL)
        self.start()


def hits(folder: Path, needle: bytes) -> dict[str, int]:
    """Occurrences of ``needle`` by file, by plain bytes.count: a third way to look, independent of the package."""
    out = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (n := path.read_bytes().count(needle)):
            out[str(path.relative_to(folder))] = n
    return out
