"""Chromium for every test that needs it, and a live JupyterLab on a case, as `workbench lab` starts it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from workbench.ui.lab import command, environment

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
NEEDS_CHROMIUM = [pytest.mark.browser, pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="chromium is not installed")]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]


@contextmanager
def running(case: Path, lang: str) -> Iterator[str]:
    """JupyterLab on ``case``; yields its URL with the token. Stopped by process id."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    token = secrets.token_hex(16)
    env = environment(case, lang) | {"JUPYTER_TOKEN": token}
    log = (case / ".lab" / "server.log").open("wb")
    server = subprocess.Popen(command(case, port, False), env=env, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            if server.poll() is not None:
                raise RuntimeError("JupyterLab did not start")
            try:
                urllib.request.urlopen(f"{url}/api/status?token={token}", timeout=1).read()
                break
            except OSError:
                time.sleep(0.2)
        yield f"{url}|{token}"
    finally:
        server.terminate()
        server.wait(30)
        log.close()


def open_notebook(browser: Any, address: str, path: str, width: int = 1400, height: int = 1800) -> Any:
    """A page showing ``path`` in single-document mode, idle."""
    from playwright.sync_api import expect

    url, _, token = address.partition("|")
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(300_000)
    page.goto(f"{url}/doc/tree/{path}?token={token}&reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Notebook")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    # the indicator says idle before there is a kernel, and running cells then opens a dialog: ask the server
    for _ in range(450):
        try:
            kernels = json.loads(urllib.request.urlopen(f"{url}/api/kernels?token={token}", timeout=60).read())
        except urllib.error.HTTPError as e:  # a kernel that is just starting has no state yet, which the server answers with 500
            if e.code != 500:
                raise
            kernels = []
        mine = [k for k in kernels if k["connections"]]  # those of pages closed before live on without any
        if mine and all(k["execution_state"] == "idle" for k in mine):
            break
        time.sleep(0.2)
    expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle", timeout=300_000)
    page.wait_for_timeout(500)
    return page


def run_all(page: Any) -> None:
    """Run every cell and wait until the kernel is idle again."""
    from playwright.sync_api import expect

    page.locator(".lm-MenuBar-item").nth(3).click()  # the Run menu, whatever the language calls it
    page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
    page.wait_for_timeout(1500)
    expect(page.locator(".jp-Notebook-ExecutionIndicator")).to_have_attribute("data-status", "idle", timeout=300_000)


def picture(page: Any, name: str) -> None:
    """Keep a screenshot where SHOTS says, if it says so."""
    folder = os.environ.get("SHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png")
