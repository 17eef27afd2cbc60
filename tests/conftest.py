"""Shared fixtures: case folders that tests may break."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CASE_TOML = """
[case]
id = "t-case"
company = "甲公司"
company_en = "Company A"
place = "上海"
[dates]
service_end = 2026-08-31
claims_end = 2026-10-31
as_of = 2026-11-23
[[people]]
id = "op"
name = "操作"
roles = ["operator"]
[[people]]
id = "ann"
name = "安"
roles = ["approver"]
[[people]]
id = "ben"
name = "本"
roles = ["approver"]
[[people]]
id = "sue"
name = "苏"
roles = ["supervisor"]
[[sources]]
name = "files"
path = "data"
"""
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("WORKBENCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WORKBENCH_VAULT_PASSPHRASE", "correct horse battery staple")


@pytest.fixture
def make_case(tmp_path: Path) -> Callable[..., Path]:
    """Write a case folder; keyword ``toml`` replaces the text of case.toml."""

    def make(name: str = "case", toml: str = CASE_TOML) -> Path:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        (folder / "data" / "a.csv").write_text("id,colour\n1,red\n2,blue\n", encoding="utf-8")
        (folder / "case.toml").write_text(toml, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def shared_data() -> Path:
    """The folder of public input beside the checkout; skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("../shared/data is not beside this checkout")
    return SHARED


@pytest.fixture
def case_toml() -> str:
    """Text of a small valid case.toml."""
    return CASE_TOML


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo over 400 customers, run once for all tests: ``work`` (data, case), ``out`` (bundle) and ``log``."""
    base = tmp_path_factory.mktemp("demo")
    env = {k: v for k, v in os.environ.items() if not k.startswith("WORKBENCH_")}
    command = [sys.executable, "-m", "workbench", "demo", "--customers", "400", "--work", "work", "--out", "out"]
    run = subprocess.run(command, cwd=base, capture_output=True, text=True, env=env)
    assert run.returncode == 0, run.stderr
    (base / "log").write_text(run.stdout + run.stderr, encoding="utf-8")
    return base


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium for the tests of a file."""
    from playwright.sync_api import sync_playwright

    from tests.browser import lab

    with sync_playwright() as p:
        chromium = p.chromium.launch(executable_path=lab.CHROMIUM, headless=True, args=lab.FLAGS)
        yield chromium
        chromium.close()


LONG = ("flow/test_kill", "browser/test_walk", "flow/", "browser/", "records/", "erasure/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first: two workers, a whole file each, then end at about the same time."""
    def place(item: pytest.Item) -> int:
        return next((n for n, part in enumerate(LONG) if part in item.nodeid), len(LONG))

    items.sort(key=place)


TSA_CONF = """
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[tsa]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = {eku}
[tsa_config]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class Authority:
    """A certificate authority and a time-stamp server in a folder."""

    def __init__(self, folder: Path, eku: str = "critical, timeStamping", days: tuple[str, str] = ("", "")) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "serial").write_text("01")
        (folder / "conf").write_text(TSA_CONF.format(folder=folder, eku=eku))
        self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650",
                     "-subj", "/CN=test root", "-config", "conf", "-extensions", "ca")
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=test tsa",
                     "-config", "conf")
        if days[0]:
            (folder / "index").write_text("")
            (folder / "cafile").write_text("[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=caserial\nnew_certs_dir=.\n"
                                           "default_md=sha256\npolicy=p\nunique_subject=no\n[p]\ncommonName=supplied\n")
            (folder / "caserial").write_text("1000")
            self.openssl("ca", "-batch", "-config", "cafile", "-in", "tsa.csr", "-out", "tsa.pem", "-cert", "ca.pem",
                         "-keyfile", "ca.key", "-startdate", days[0], "-enddate", days[1], "-extfile", "conf",
                         "-extensions", "tsa", "-notext")
        else:
            self.openssl("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                         "3650", "-extfile", "conf", "-extensions", "tsa", "-out", "tsa.pem")

    def openssl(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        run = subprocess.run(["openssl", *map(str, args)], cwd=self.folder, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        return run

    def answer(self, question: Path) -> Path:
        self.openssl("ts", "-reply", "-config", "conf", "-section", "tsa_config", "-queryfile", question.resolve(), "-out",
                     "answer.tsr")
        return self.folder / "answer.tsr"

    @property
    def roots(self) -> Path:
        return self.folder / "ca.pem"


@pytest.fixture(scope="session")
def make_authority() -> type[Authority]:
    """A local certificate authority and RFC 3161 time-stamp server, made with openssl in a folder."""
    return Authority
