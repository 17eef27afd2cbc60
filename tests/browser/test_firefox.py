"""The same pages in Debian's Firefox, driven by WebDriver BiDi: nothing asked of any network, charts drawn, no complaint."""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(FIREFOX is None, reason="firefox-esr is not installed")]
PREFS = {
    "app.normandy.enabled": False, "app.update.enabled": False, "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False, "browser.newtabpage.enabled": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "toolkit.telemetry.enabled": False, "extensions.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False, "datareporting.policy.dataSubmissionEnabled": False,
}


class Firefox:
    """One headless Firefox and its BiDi connection."""

    def __init__(self, folder: Path) -> None:
        assert FIREFOX is not None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        (folder / "user.js").write_text("".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in PREFS.items()))
        self.process = subprocess.Popen(
            [FIREFOX, "--headless", "--no-remote", "--profile", folder, "--remote-debugging-port", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})
        self.numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        for _ in range(240):
            try:
                self.socket = websocket.create_connection(f"ws://127.0.0.1:{port}/session", timeout=60, suppress_origin=True)
                break
            except (OSError, websocket.WebSocketException):
                time.sleep(0.25)
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["network.beforeRequestSent", "log.entryAdded"])
        (self.page,) = [c["context"] for c in self.call("browsingContext.getTree")["contexts"]]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                assert message["type"] == "success", message
                return dict(message["result"])
            self.events.append(message)

    def evaluate(self, script: str) -> Any:
        found = self.call("script.evaluate", expression=script, target={"context": self.page}, awaitPromise=True)
        assert found["type"] == "success", found
        return found["result"].get("value")

    def open(self, path: Path) -> None:
        self.events.clear()
        self.call("browsingContext.navigate", context=self.page, url=path.as_uri(), wait="complete")
        for _ in range(120):
            if self.evaluate("[...document.querySelectorAll('.plot')].every(d => d.dataset.drawn)"):
                return
            time.sleep(0.25)
        raise AssertionError(f"charts of {path.name} were not drawn")

    def asked(self) -> list[str]:
        urls = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "network.beforeRequestSent"]
        return [u for u in urls if not u.startswith(("file:", "data:", "blob:"))]

    def said(self) -> list[str]:
        return [str(e["params"].get("text")) for e in self.events if e.get("method") == "log.entryAdded"
                and e["params"].get("level") in ("warn", "error")]

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """One headless Firefox with a profile of its own."""
    made = Firefox(tmp_path_factory.mktemp("firefox"))
    yield made
    made.close()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_page_opens_in_firefox_without_a_request_or_a_complaint(demo: Path, firefox: Firefox, lang: str) -> None:
    """Index, viewer, nine records and the report; charts drawn; Chinese has a font."""
    bundle, suffix = demo / "out", "" if lang == "zh" else ".en"
    pages = [bundle / f"index{suffix}.html", bundle / f"viewer{suffix}.html", bundle / "data" / "reports" / f"disposal.{lang}.html",
             *sorted((bundle / "data" / "records").glob(f"*.{lang}.html"))]
    assert len(pages) == 12
    charts = 0
    for path in pages:
        firefox.open(path)
        assert firefox.asked() == [], path.name
        assert firefox.said() == [], path.name
        charts += firefox.evaluate("document.querySelectorAll('.plot .main-svg').length")
    assert charts >= 10
    assert firefox.evaluate("document.fonts.check('16px \"Noto Sans CJK SC\"', '中')")
