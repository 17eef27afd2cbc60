"""NAMES: people named inside running Chinese text: beside a label (联系人：王小明) or a form of address (王小明先生).

A name on its own in a sentence is not looked for: of what reads like surname and given name in running text, most is not one (a
segmenter that tries reaches F1 0.37). What this finds and misses is measured in tests/classification/test_names.py.
"""

# ruff: noqa: E501 - compiled functions pass their arrays one by one
from __future__ import annotations

from typing import Any

import numpy as np

from workbench.classification.scanner import S_NAME_TEXT, _bytes, _lookup
from workbench.sources.keyed import compiled, siphash

_LABELS = ['"name', "real_name", "realName", "customer_name", "customerName", "contact_name", "contactName", "receiver", "consignee", "姓名", "联系人", "收货人", "收件人", "寄件人", "付款人", "收款人", "持卡人", "开户人", "户名", "户主", "客户", "顾客", "买家", "患者", "病人", "家属",
           "乘客", "旅客", "投保人", "被保险人", "受益人", "法定代表人", "法人", "负责人", "经办人", "借款人", "担保人", "申请人", "当事人", "原告", "被告",
           "员工", "职工", "同事", "学生", "学员", "家长", "监护人", "车主", "业主", "房东", "租客", "会员", "我是", "本人", "我叫", "名叫", "他叫", "她叫", "叫做"]
_TITLES = ["先生", "女士", "小姐", "太太", "老师", "医生", "大夫", "护士", "同学", "经理", "主任", "律师", "教授", "师傅", "阿姨", "叔叔", "同志", "警官", "法官"]
LABELS = np.frombuffer("".join(_LABELS).encode(), np.uint8).copy()
LABEL_SIZES = np.array([len(w.encode()) for w in _LABELS], np.int64)
TITLES = np.frombuffer("".join(_TITLES).encode(), np.uint8).copy()
TITLE_SIZES = np.array([len(w.encode()) for w in _TITLES], np.int64)
AFTER = "的在是说和与及来要已从将给被电手身住地男女您先同请今昨打发问想有没不也就都购买签因于反投联承称表催拒咨预需到又再把让被退收还欠拨接"
"""characters that end a name more often than they belong to it"""
SURNAME, GIVEN, EDGE, COMPOUND = 2, 4, 64, 128
"""bits of the table of characters, see rules._tables"""
CALLED = len(_LABELS) - 5
"""from here on a label says that a name follows"""
NOT_A_NAME = 9
UNSURE = 1
"""labels before this one name goods as often as people: what follows has to look like a name"""


@compiled("i8(CPointer(u1), i8, i8)")
def _label(t: Any, s: Any, a: Any) -> Any:
    """Whether a label ends before ``a``: 0 no, 1 yes, 2 so that a name has to follow (a colon or 是 between, 我叫)."""
    colon = 0
    for _ in range(5):
        if a > s and (t[a - 1] == 58 or t[a - 1] == 61):
            colon = 1
            a -= 1
        elif a > s and (t[a - 1] == 32 or t[a - 1] == 40 or t[a - 1] == 44 or t[a - 1] == 34):  # 34: JSON's quotes
            a -= 1
        elif a - 3 >= s and t[a - 3] == 0xE6 and t[a - 2] == 0x98 and t[a - 1] == 0xAF:  # 是
            if a - 6 >= s and t[a - 6] == 0xE6 and t[a - 5] == 0x88 and t[a - 4] == 0x91:  # 我是 is a label itself
                break
            colon = 1
            a -= 3
    w = 0
    for k in range(len(LABEL_SIZES)):
        size = LABEL_SIZES[k]
        if a - size >= s:
            same = True
            for j in range(size - 1, -1, -1):
                if t[a - size + j] != LABELS[w + j]:
                    same = False
                    break
            if same:
                return 2 if (colon and k >= UNSURE) or k >= CALLED else 1
        w += size
    return 0


@compiled("b1(CPointer(u1), i8, i8)")
def _title(t: Any, b: Any, e: Any) -> Any:
    """Whether a form of address begins at ``b``."""
    w = 0
    for k in range(len(TITLE_SIZES)):
        size = TITLE_SIZES[k]
        if b + size <= e:
            same = True
            for j in range(size):
                if t[b + j] != TITLES[w + j]:
                    same = False
                    break
            if same:
                return True
        w += size
    return False


@compiled("i8(CPointer(u1), i8, i8, CPointer(u1))")
def _kind(t: Any, i: Any, e: Any, chars: Any) -> Any:
    """Bits of the Chinese character at ``i``; -1 where there is none."""
    if i + 2 < e and 0xE4 <= t[i] <= 0xE9:
        cp = ((t[i] & 15) << 12) | ((t[i + 1] & 63) << 6) | (t[i + 2] & 63)
        if 0x4E00 <= cp < 0xA000:
            return np.int64(chars[cp - 0x4E00])
    return -1


@compiled("void(CPointer(u1), i8, i8, CPointer(i8), CPointer(i8), CPointer(i8), CPointer(u1), CPointer(u1), CPointer(u8), u8, u8)")
def names_in_text(t: Any, s: Any, e: Any, cell: Any, count: Any, out: Any, text: Any, chars: Any, vocabulary: Any, k0: Any, k1: Any) -> None:
    """Note every name in ``t[s:e]`` that a label or a form of address proves."""
    i = s
    while i < e:
        v = _kind(t, i, e, chars)
        if v < 0:
            i += 1
            continue
        given = i + 3
        if v & COMPOUND and _kind(t, i + 3, e, chars) >= 0:
            a = ((t[i] & 15) << 12) | ((t[i + 1] & 63) << 6) | (t[i + 2] & 63)
            b = ((t[i + 3] & 15) << 12) | ((t[i + 4] & 63) << 6) | (t[i + 5] & 63)
            if _lookup(vocabulary, np.uint64(0xC0DE000000000000) | np.uint64(a) << np.uint64(16) | np.uint64(b)) & 2:
                given = i + 6
                v |= SURNAME
        first = _kind(t, given, e, chars)
        if v & SURNAME == 0 or first < 0:
            i += 3
            continue
        second = _kind(t, given + 3, e, chars)
        label = _label(t, s, i)
        end = np.int64(0)
        if label == 2 and second < 0:
            end = given + 3  # whatever the characters: the label says it, and nothing else follows
        elif label == 2 and second >= 0 and _kind(t, given + 6, e, chars) < 0:
            end = given + 6
        elif first & GIVEN == 0:
            i += 3
            continue
        elif second >= 0 and second & GIVEN:
            after = _kind(t, given + 6, e, chars)
            if _title(t, given + 6, e) or (label and (after < 0 or after & EDGE)) or label == 2:
                end = given + 6
        if end == 0 and (_title(t, given + 3, e) or (label and (second < 0 or second & EDGE))):
            end = given + 3
        if end and _lookup(vocabulary, siphash(t, i, end, k0, k1)) != NOT_A_NAME:
            count[S_NAME_TEXT * 10 + 0] += 1
            count[S_NAME_TEXT * 10 + 1] += 1
            _bytes(cell, count, out, text, S_NAME_TEXT, True, i == s and end == e, t, i, end)
            i = end
        else:
            i += 3
