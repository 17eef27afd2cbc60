"""MENDING: a damaged or missing file of a sealed set comes back from a place where it is whole. No key is needed.

What is right is what SHA256SUMS says, and which SHA256SUMS is right the ledger says (the newest backup's and archive's
digest); without such an entry, the newest one of which every file is whole somewhere. Nothing is overwritten with anything
that was not compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.ledger import write_durably
from workbench.vault import store
from workbench.vault.archive import SealedArchive
from workbench.vault.model import Repaired, SealedBackup
from workbench.vault.vault import ARCHIVE

if TYPE_CHECKING:
    from workbench.case import Case


def repair(case: Case) -> Repaired:
    """Bring back what is damaged in any place from another; says what no place has whole.

    A place that is not there is passed over: bring it and run this again.
    """
    with case.step("repair") as run:
        places = [p for p in map(case.resolve, case.config.vault.places) if p.is_dir()]
        backup, archive = case.find(SealedBackup), case.find(SealedArchive)
        known = {backup.set_id: backup.manifest_sha256} if backup else {}
        if archive and archive.manifest_sha256:
            known[ARCHIVE] = archive.manifest_sha256
        mended, lost = [], []
        for name in sorted({s.parent.relative_to(p).as_posix() for p in places for s in p.rglob("SHA256SUMS")}):
            sums = _right_sums([p / name for p in places], known.get(name, ""))
            if sums is None:
                lost.append(f"{name}/SHA256SUMS")
                continue
            for path, sha in [*_listed(sums), ("SHA256SUMS", hashlib.sha256(sums).hexdigest())]:
                good = next((d for p in places if (d := _whole(p / name / path, sha)) is not None), None)
                bad = [p for p in places if _whole(p / name / path, sha) is None]
                if good is None:
                    lost.append(f"{name}/{path}")
                    continue
                for place in bad:
                    store.make_folder((place / name / path).parent)
                    write_durably(place / name / path, good)
                    mended.append(f"{place.name}/{name}/{path}")
        result = Repaired(case_id=case.id, at=case.now(), mended=tuple(mended), lost=tuple(lost))
        case.save(result)
        run.note(mended=len(mended), lost=len(lost))
        return result


def _right_sums(folders: list[Path], known: str) -> bytes | None:
    """The SHA256SUMS to go by: the one the ledger knows, else the newest of which every file is whole in some place."""
    found: list[tuple[int, bytes]] = []
    for folder in folders:
        path = folder / "SHA256SUMS"
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        if known and hashlib.sha256(data).hexdigest() == known:
            return data
        try:
            listed = dict(_listed(data))
        except ValueError:
            continue
        files = {p: next((d for f in folders if (d := _whole(f / p, sha)) is not None), None) for p, sha in listed.items()}
        if listed and not known and None not in files.values():
            manifest = files.get("manifest.json")
            found.append((json.loads(manifest)["generation"] if manifest else 0, data))
    return max(found, default=(0, None))[1]


def _listed(sums: bytes) -> Iterator[tuple[str, str]]:
    """Lines of SHA256SUMS; ValueError when it is damaged."""
    if not sums.endswith(b"\n"):
        raise ValueError
    for line in sums.decode("ascii").splitlines():
        path = line[66:]
        if not path or line[64:66] != "  ":
            raise ValueError
        if ".." not in Path(path).parts and not path.startswith("/"):
            yield path, line[:64]


def _whole(path: Path, sha: str) -> bytes | None:
    """The file's bytes when they are the right ones; at most 64 MiB."""
    if not path.is_file() or path.is_symlink() or path.stat().st_size > store.MAX_OBJECT + (1 << 20):
        return None
    data = path.read_bytes()
    return data if hashlib.sha256(data).hexdigest() == sha else None
