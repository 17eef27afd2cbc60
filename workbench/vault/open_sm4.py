#!/usr/bin/env python3
"""Open one .sm4 object of this folder:  python3 open_sm4.py OBJECT > PLAINTEXT   (the key, 64 hex digits, on standard input)

Python's standard library and the openssl command (with SM3 and SM4), nothing else. Nothing is written before all of it
verified. openssl takes the object's own key as an argument: run this where no one else can list processes.

Layout: "winddown-workbench/sm4-gcm/1" LF, salt (16), HMAC-SM3 over these 45 bytes (32), chunks of 65536 + 16 bytes.
HKDF-SM3(key, salt, line + " header" or " payload") gives the HMAC key (32) and the SM4 key (16). Chunk i: SM4-GCM, nonce =
i in 11 bytes, then 1 for the last chunk, else 0. (GB/T 32907, GB/T 32905, RFC 8998, RFC 5869, NIST SP 800-38D.)
"""

import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

LINE, CHUNK, TAG = b"winddown-workbench/sm4-gcm/1", 65536, 16
R = 0xE1 << 120


def mac(key: bytes, text: bytes) -> bytes:
    return hmac.new(key, text, lambda: hashlib.new("sm3")).digest()


def hkdf(key: bytes, salt: bytes, info: bytes, size: int) -> bytes:
    return mac(mac(salt, key), info + b"\x01")[:size]


def ctr(key: bytes, block: bytes, data: bytes) -> bytes:
    done = subprocess.run(["openssl", "enc", "-sm4-ctr", "-e", "-K", key.hex(), "-iv", block.hex()],
                          input=data, capture_output=True)
    if done.returncode:
        sys.exit("openssl has no SM4: " + done.stderr.decode(errors="replace").strip())
    return done.stdout


def table(h: int) -> list[list[int]]:
    """h times every byte in every place, so that GHASH needs 16 look-ups a block."""
    out = []
    for _ in range(16):
        row: list[int] = [0] * 256
        powers: dict[int, int] = {}
        for bit in range(8):
            powers[0x80 >> bit] = h
            h = (h >> 1) ^ (R if h & 1 else 0)
        for byte in range(256):
            v = 0
            for one, product in powers.items():
                if byte & one:
                    v ^= product
            row[byte] = v
        out.append(row)
    return out


def ghash(rows: list[list[int]], data: bytes) -> bytes:
    y = 0
    padded = data + bytes(-len(data) % 16) + bytes(8) + (8 * len(data)).to_bytes(8, "big")
    for at in range(0, len(padded), 16):
        block = (y ^ int.from_bytes(padded[at:at + 16], "big")).to_bytes(16, "big")
        y = 0
        for place in range(16):
            y ^= rows[place][block[place]]
    return y.to_bytes(16, "big")


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit((__doc__ or "").splitlines()[0])
    key = bytes.fromhex(sys.stdin.readline().strip())
    data = Path(sys.argv[1]).read_bytes()
    head, salt = data[:45], data[29:45]
    if not head.startswith(LINE + b"\n") or not hmac.compare_digest(
            mac(hkdf(key, salt, LINE + b" header", 32), head), data[45:77]):
        sys.exit("not for this key, or its header is damaged")
    sm4 = hkdf(key, salt, LINE + b" payload", 16)
    rows = table(int.from_bytes(ctr(sm4, bytes(16), bytes(16)), "big"))
    body, plain = data[77:], []
    count = max(1, -(-len(body) // (CHUNK + TAG)))
    for i in range(count):
        chunk = body[i * (CHUNK + TAG):(i + 1) * (CHUNK + TAG)]
        sealed, tag = chunk[:-TAG], chunk[-TAG:]
        nonce = i.to_bytes(11, "big") + bytes([i == count - 1])
        stream = ctr(sm4, nonce + b"\x00\x00\x00\x01", bytes(16) + sealed)  # the first block of it masks the tag
        want = bytes(a ^ b for a, b in zip(stream[:16], ghash(rows, sealed), strict=True))
        if len(chunk) < TAG or not hmac.compare_digest(want, tag) or (i and not sealed):
            sys.exit(f"chunk {i} is damaged; nothing was written")
        plain.append(stream[16:])
    sys.stdout.buffer.write(b"".join(plain))


if __name__ == "__main__":
    main()
