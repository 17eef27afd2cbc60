"""Every category and action has a term in DPV or in our published extension, and exports hold no values."""

from __future__ import annotations

import json

from tests.plan.conftest import config, findings, planned, table
from tests.plan.conftest import finding as found
from workbench.law import all_packs, load_packs, vocabulary
from workbench.plan.export import dpv, fides
from workbench.plan.texts import ACTIONS


def test_every_category_maps_somewhere() -> None:
    """DPV, or a cn: term that the extension defines."""
    own = {f"cn:{t[0]}" for t in vocabulary.EXTENSION}
    for c in all_packs().categories:
        terms = c.maps_to.get("dpv", ())
        assert terms, c.id
        assert all(t in own for t in terms if t.startswith("cn:"))


def test_every_action_maps_and_destruction_is_not_sanitisation() -> None:
    """dpv:DataSanitisationTechnique means cleaning of data, so destruction is dpv:Destruct."""
    assert set(vocabulary.ACTIONS) == set(ACTIONS)
    assert vocabulary.ACTIONS["destroy_medium"] == ("dpv:Destruct",)
    assert vocabulary.ACTIONS["lock"] == ("dpv:Restrict", "dpv:Store")


def test_every_rule_maps_to_something() -> None:
    """No rule without a term."""
    assert all(r.maps_to for r in all_packs().rules)


def test_the_extension_file_is_the_published_one() -> None:
    """The file beside the packs is made from the code."""
    assert vocabulary.FILE.read_text(encoding="utf-8") == vocabulary.extension_text()


def test_exports_name_columns_terms_and_rules() -> None:
    """A bank card is a sensitive DPV payment card; a kept payment carries its duration; fideslang has its category."""
    tables = [table("payments", ["id", "payer", "card_no", "paid_at"])]
    f = findings(found("shop.payments.payer"), found("shop.payments.card_no", "finacct", "bank_card", sensitive=True))
    packs = load_packs(("CN",))
    p = planned(tables, f, config())
    text = json.dumps(dpv(packs, f, p))
    assert "pd:PaymentCardNumber" in text
    assert "dpv:SensitivePersonalData" in text
    assert "cn.accounting.voucher" in text
    made = fides(packs, f, p)["dataset"][0]["collections"][0]
    assert made["name"] == "payments"
    assert made["retention"].startswith("until 20")
    assert any("user.financial.credit_card" in c["data_categories"] for c in made["fields"])
