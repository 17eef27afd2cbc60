"""One look for all charts: Okabe-Ito colours that survive colour blindness, fonts with Chinese, no toolbar tricks."""

from __future__ import annotations

from functools import cache
from typing import Any

FONT = '"Noto Sans CJK SC","Microsoft YaHei","PingFang SC",sans-serif'
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE, GREY, BLACK = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999", "#000000")
ACTION_COLOURS = {"erase": RED, "lock": BLUE, "anonymise": SKY, "hand_over": PURPLE, "keep": GREEN, "destroy_medium": ORANGE,
                  "ask": YELLOW}
ACTION_PATTERNS = {"erase": "", "lock": "/", "anonymise": ".", "hand_over": "x", "keep": "-", "destroy_medium": "\\", "ask": "+"}
STATE_COLOURS = {"inherent": RED, "residual": ORANGE, "projected": GREEN}
STATE_SYMBOLS = {"inherent": "square", "residual": "circle", "projected": "diamond"}
RISK_COLOURS = {"leak": RED, "tamper": BLUE, "misuse": PURPLE, "error": ORANGE}
RISK_DASH = {"leak": "solid", "tamper": "dash", "misuse": "dot", "error": "dashdot"}
RISK_NAMES = {"leak": ("泄露", "leakage"), "tamper": ("篡改", "tampering"), "misuse": ("滥用", "illegal use"),
              "error": ("操作失误", "operational error")}
STAGE_NAMES = {"found": ("盘点时", "as found"), "planned": ("有计划后", "with a plan"), "erased": ("删除并证明后", "erased and proven")}
STATE_NAMES = {"inherent": ("固有", "inherent"), "residual": ("剩余", "residual"), "projected": ("预计", "projected")}


def pick(lang: str, both: tuple[str, str]) -> str:
    """The word of the language."""
    return both[0] if lang == "zh" else both[1]


def say(lang: str, zh: str, en: str) -> str:
    """The sentence of the language."""
    return zh if lang == "zh" else en


def styled(fig: Any, height: int = 440, **layout: Any) -> Any:
    """``fig`` with font, margins and a white ground."""
    layout.setdefault("margin", {"l": 10, "r": 10, "t": 40, "b": 10})
    fig.update_layout(height=height, font={"family": FONT, "size": 13}, paper_bgcolor="white", plot_bgcolor="white", **layout)
    fig.update_xaxes(gridcolor="#E5E5E5", automargin=True)
    fig.update_yaxes(gridcolor="#E5E5E5", automargin=True)
    return fig


@cache
def _categories() -> dict[str, tuple[str, str]]:
    from workbench.law import all_packs

    return {c.id: (c.names.zh, c.names.en) for c in all_packs().categories}


def category_name(id_: str, lang: str) -> str:
    """A category of personal information in words; an unknown one as it is."""
    return pick(lang, _categories().get(id_, (id_, id_)))
