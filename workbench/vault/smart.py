"""SMART: what a disk says of itself, through ``smartctl --json`` where the machine and the disk offer it.

A virtual disk offers nothing, and many USB bridges hide what is behind them: then the answer is "not offered", never "good".
https://www.smartmontools.org/static/doxygen/ (fields of the JSON output); NVMe 1.4, log page 02h.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from workbench.vault.model import Smart

_COUNTED = {5: "reallocated", 197: "pending", 198: "uncorrectable"}
"""ATA attributes whose raw value is a number of bad sectors"""


def smart_below(folder: Path) -> Smart:
    """The health of the disk under ``folder``; ``offered`` is false when nothing is told."""
    device = _device(folder)
    command = shutil.which("smartctl") or "/usr/sbin/smartctl"
    if device is None or not Path(command).exists():
        return Smart(offered=False)
    try:
        run = subprocess.run([command, "--json", "--health", "--attributes", "--info", device], capture_output=True, timeout=30)
        return parse(json.loads(run.stdout))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return Smart(offered=False)


def parse(told: dict[str, Any]) -> Smart:
    """Smartctl's JSON in four words; no serial number is kept."""
    passed = told.get("smart_status", {}).get("passed")
    if passed is None:
        return Smart(offered=False)
    words = []
    for row in told.get("ata_smart_attributes", {}).get("table", []):
        if row.get("id") in _COUNTED and row.get("raw", {}).get("value"):
            words.append(f"{_COUNTED[row['id']]} {row['raw']['value']}")
    log = told.get("nvme_smart_health_information_log", {})
    if log.get("critical_warning"):
        words.append(f"critical warning {log['critical_warning']}")
    if log.get("media_errors"):
        words.append(f"media errors {log['media_errors']}")
    if log.get("percentage_used", 0) >= 100:
        words.append(f"worn {log['percentage_used']} %")
    return Smart(offered=True, passed=bool(passed), findings=tuple(words), hours=int(told.get("power_on_time", {}).get("hours", 0)))


def _device(folder: Path) -> str | None:
    """Block device of the whole disk under ``folder``, as Linux tells it."""
    try:
        number = folder.stat().st_dev
        base = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve(strict=True)
    except OSError:
        return None
    disk = base.parent if (base / "partition").exists() else base
    path = Path("/dev") / disk.name
    return str(path) if path.exists() else None
