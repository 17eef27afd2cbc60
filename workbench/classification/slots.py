"""SLOTS: numbers the compiled kernel uses for what it recognises; detector files name them."""

from __future__ import annotations

NAMES = (
    "cn_resident_id", "cn_uscc", "bank_card", "cn_mobile", "cn_landline", "email", "ipv4", "ipv6", "mac", "cn_plate",
    "passport", "cn_hkmo_permit", "cn_resident_id_15", "imei", "iban", "phone", "secret_hash", "cn_business_reg",
    "uuid", "us_ssn", "date", "person_name_zh", "address_zh", "person_name_en", "digits", "wechat", "coordinate", "vin",
    "address_en", "minor", "name_in_text", "hk_id", "tw_id",
)  # fmt: skip
NUMBER = {name: i for i, name in enumerate(NAMES)}
COUNT = len(NAMES)

# counters of a slot
SHAPE, CHECKED, STRONG, ANY, WHOLE_STRONG, WHOLE_ANY, MINORS, FORMATTED, MATCHES, MATCHES_STRONG = range(10)
COUNTERS = 10

# statistics of a column
ROWS, NONNULL, BYTES, CJK, ASCII, DIGIT_CELLS, SEQ_MIN, SEQ_MAX, YEAR_MIN, YEAR_MAX, LONG = range(11)
STATS = 11
