"""LEDGER: statements go in, signed and in order; a log comes out that a stranger can check. Knows nothing of customers.

    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> key = Signer.create("log", folder / "log.key")
    >>> log = Ledger.create(folder / "ledger", "doctest", key, {})
    >>> log.append("note/v1", {"thing": "0" * 64}, {"text": "hello"}, key, key).seq
    1
    >>> Ledger.open(folder / "ledger").check().size
    2
"""

from workbench.ledger.keys import Signer
from workbench.ledger.log import Ledger, exclusive, write_durably
from workbench.ledger.statement import Entry

__all__ = ["Entry", "Ledger", "Signer", "exclusive", "write_durably"]
