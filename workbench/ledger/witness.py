"""WITNESS: an outside supervisor co-signs checkpoints and never signs two histories.

Its memory is one file: the last size and root it signed per log. It signs only a tree that contains the one before,
and refuses when its memory is lost: then its key has to be replaced (C2SP tlog-witness). A memory put back from an
older copy shows against what it kept in ``notes/`` and against what the log itself holds of its signatures.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from workbench.errors import LedgerError
from workbench.ledger import note
from workbench.ledger.keys import Signer
from workbench.ledger.log import write_durably
from workbench.ledger.merkle import consistency_proof, root_of, verify_consistency


class Witness:
    """The witness whose key and memory are in ``folder``."""

    def __init__(self, folder: Path, name: str, signer: Signer) -> None:
        self.folder, self.name, self.signer = folder, name, signer

    @classmethod
    def create(cls, folder: Path, name: str, passphrase: bytes | None = None) -> Witness:
        """A new witness: its own key, an empty memory."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=False)
        signer = Signer.create(name, folder / f"{name}.key", passphrase)
        write_durably(folder / "memory.json", b"{}")
        return cls(folder, name, signer)

    @classmethod
    def open(cls, folder: Path, name: str, passphrase: bytes | None = None) -> Witness:
        """An existing witness; LedgerError when key or memory is gone."""
        if not (folder / "memory.json").is_file():
            raise LedgerError("the witness has lost its memory and must not sign", "make a new witness key",
                              where=str(folder))
        return cls(folder, name, Signer.load(name, folder / f"{name}.key", passphrase))

    def cosign(
        self, checkpoint: note.Checkpoint, leaves: Sequence[bytes], log_key: Ed25519PublicKey, *, time: int,
        seen: Iterable[note.Checkpoint] = (),
    ) -> note.Checkpoint:
        """``checkpoint`` with this witness's line; ``leaves`` are the log's leaf hashes, ``time`` Unix seconds.

        ``seen``: checkpoints that lie with the log; those that this witness signed must be in its memory.

        Raises:
            LedgerError: not the log's signature, a root that the leaves do not give, a tree smaller than or
                inconsistent with the one signed last, or a memory older than one of its own signatures.
        """
        try:
            memory = json.loads((self.folder / "memory.json").read_bytes())
        except (OSError, ValueError):
            raise LedgerError("the witness has lost its memory and must not sign", "make a new witness key") from None
        if not note.signed_by(checkpoint, log_key, checkpoint.origin):
            raise LedgerError("the checkpoint is not signed by its log", where=checkpoint.origin)
        if len(leaves) != checkpoint.size or root_of(leaves) != checkpoint.root:
            raise LedgerError("the entries do not add up to the checkpoint", where=checkpoint.origin)
        last = memory.get(checkpoint.origin)
        for known in (*seen, *self._kept()):
            mine = known.origin == checkpoint.origin and note.cosigned_by(known, self.signer.public, self.name) is not None
            if mine and known.size > (int(last["size"]) if last else 0):
                raise LedgerError(f"the witness signed for {known.size} entries and remembers "
                                  f"{last['size'] if last else 'none'}: its memory was put back from an older copy",
                                  "make a new witness key", where=checkpoint.origin)
        if last is not None:
            size, root = int(last["size"]), bytes.fromhex(last["root"])
            if checkpoint.size < size:
                raise LedgerError(f"the log is smaller ({checkpoint.size}) than the one signed before ({size})",
                                  where=checkpoint.origin)
            proof = consistency_proof(leaves, size)
            if not verify_consistency(size, checkpoint.size, root, checkpoint.root, proof):
                raise LedgerError(f"the log is not a continuation of the {size} entries signed before",
                                  where=checkpoint.origin)
        memory[checkpoint.origin] = {"size": checkpoint.size, "root": checkpoint.root.hex(), "time": time}
        write_durably(self.folder / "memory.json", json.dumps(memory, indent=1).encode())
        signed = note.cosign(checkpoint, self.signer, self.name, time)
        notes = self.folder / "notes"
        notes.mkdir(mode=0o700, exist_ok=True)
        write_durably(notes / note_name(checkpoint, self.name), signed.render().encode())
        return signed

    def _kept(self) -> Iterable[note.Checkpoint]:
        return (note.parse(p.read_text(encoding="utf-8"), p.name) for p in sorted((self.folder / "notes").glob("*.note")))


def note_name(checkpoint: note.Checkpoint, name: str) -> str:
    """File name of a cosigned checkpoint: log, size, witness."""
    return f"{checkpoint.origin.rpartition('/')[2]}-{checkpoint.size:08d}-{name}.note"
