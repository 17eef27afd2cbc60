"""Texts and masks."""

from __future__ import annotations

import pytest

from workbench.i18n import mask, mask_tree, text
from workbench.i18n.catalogue import catalogue


def test_both_catalogues_have_the_same_keys_and_fields() -> None:
    """A sentence that exists in one language exists in the other, with the same places to fill."""
    import string

    zh, en = catalogue("zh"), catalogue("en")
    assert set(zh) == set(en)
    for key in zh:
        fields = [{f for _, f, _, _ in string.Formatter().parse(t) if f} for t in (zh[key], en[key])]
        assert fields[0] == fields[1], key


def test_an_unknown_sentence_is_an_error() -> None:
    """A typo in a key must not print itself to a user."""
    with pytest.raises(KeyError):
        text("page.nothing", "zh")


@pytest.mark.parametrize(("shown", "kind"), [
    ("tel 13800138000.", "mobile"), ("+86 138 0013 8000", "mobile"), ("0086-13800138000", "mobile"),
    ("138-0013-8000", "mobile"), ("a.b+c@mail.example.cn", "email"), ("id 11010519491231002X end", "id"),
    ("48051624-0557-4461-94e4-fc6550644d31@mail.example.cn", "email"), ("6222021234567890123", "card"), ("4111 1111 1111 1111", "card"),
])
def test_masks_hide_what_looks_personal(shown: str, kind: str) -> None:
    """Every shape is replaced by its kind."""
    hidden = mask(shown)
    assert f"[{kind}]" in hidden
    assert not any(len(run) >= 7 for run in "".join(c if c.isdigit() else " " for c in hidden).split())


def test_masks_hide_the_password_of_a_url() -> None:
    """user:password@ in a URL goes, the host stays."""
    assert mask("postgresql://bob:hunter2@db/shop") == "postgresql://[secret]@db/shop"


@pytest.mark.parametrize("kept", ["2026-11-23T17:15:39Z", "36,549 rows", "v0.1.0", "e3b0c44298fc1c149afbf4c8996fb924"
                                  "27ae41e4649b934ca495991b7852b855", "SKU00012", "3.14159265358979",
                                  "volume 48051624-0557-4461-94e4-fc6550644d31 mounted"])
def test_masks_leave_counts_times_and_digests(kept: str) -> None:
    """What a record needs stays readable."""
    assert mask(kept) == kept


def test_trees_are_masked_in_keys_and_values() -> None:
    """Also inside lists and as keys of an object."""
    assert mask_tree({"13800138000": ["x", {"y": "13900139000"}], "n": 1}) == {"[mobile]": ["x", {"y": "[mobile]"}], "n": 1}
