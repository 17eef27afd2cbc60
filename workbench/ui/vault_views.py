"""What the values of the vault show; :mod:`workbench.ui.views` finds them by kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from workbench.records.blocks import Block, Callout, Facts, Table
from workbench.ui.views import _charts, pick
from workbench.values import short
from workbench.vault.media import in_words
from workbench.vault.model import (
    DueList,
    HolderStrength,
    MediaCheck,
    RemoteCopy,
    Repaired,
    RestoreTest,
    SealedBackup,
    Shredded,
    WindowClosed,
)
from workbench.vault.readers import PAST_EN, PAST_ZH, ReaderCopy


def _holders(holders: tuple[HolderStrength, ...], lang: str) -> Iterator[Block]:
    for h in holders:
        yield Callout("warn" if h.strength == "weak" else "note", pick(lang, h.zh, h.en))


def backup_view(value: SealedBackup, lang: str) -> Iterator[Block]:
    """The restore window: what it covers, and what destroying its key will prove."""
    yield Facts(((pick(lang, "密封对象", "Sealed objects"), f"{value.objects:,}"),
                 (pick(lang, "密文字节", "Ciphertext bytes"), f"{value.bytes:,}"),
                 (pick(lang, "地点", "Places"), ", ".join(value.places)), (pick(lang, "密钥", "Key"), value.kek),
                 ("SHA256SUMS", value.manifest_sha256)))
    yield from _charts("vault_charts", value, lang, ("coverage", "备份覆盖了什么", "What the backup covers"))
    yield Table(pick(lang, "密封内容", "What is sealed"),
                (pick(lang, "表或文件", "Table or file"), pick(lang, "形式", "Form"), pick(lang, "行", "Rows"),
                 pick(lang, "对象", "Objects"), pick(lang, "内容摘要", "Content digest")),
                tuple((f"{t.source}.{t.table}", "Parquet" if t.form == "parquet" else pick(lang, "原样", "as it is"),
                       f"{t.rows:,}" if t.form == "parquet" else "", str(len(t.objects)), short(t.content, 16))
                      for t in value.tables))
    yield from _holders(value.holders, lang)
    yield from _charts("vault_charts", value, lang, ("holders", "销毁密钥能证明多少", "What destroying the key proves"))


def restore_view(value: RestoreTest, lang: str) -> Iterator[Block]:
    """The restore test."""
    against = pick(lang, "数据源", "the source") if value.against == "source" else pick(lang, "密封时的摘要", "the seal")
    into = pick(lang, f"载入空数据库 {value.into}，", f"loaded into the empty database {value.into}, ") if value.into else ""
    yield Callout("good" if value.ok else "bad",
                  pick(lang, f"恢复测试{'通过' if value.ok else '未通过'}:从 {value.place} 全部恢复,{into}并与{against}比对。",
                       f"Restore test {'passed' if value.ok else 'FAILED'}: all restored from {value.place}, {into}and compared "
                       f"with {against}."))
    yield from _charts("vault_charts", value, lang, ("restores", "恢复测试", "Restore test"))
    types = {True: "✓", False: pick(lang, "有别", "other"), None: ""}
    yield Table(pick(lang, "逐表比对", "Table by table"),
                (pick(lang, "表或文件", "Table or file"), pick(lang, "密封", "Sealed"), pick(lang, "恢复", "Restored"),
                 pick(lang, "来源", "Source"), pick(lang, "相同", "Equal"), pick(lang, "类型", "Types"),
                 pick(lang, "文件的 SHA-256", "SHA-256 of a file")),
                tuple((f"{t.source}.{t.table} {t.disposal}".strip(),
                       *("" if t.sha256 else f"{n:,}" for n in (t.rows_sealed, t.rows_restored)),
                       "" if t.rows_source is None else f"{t.rows_source:,}", f"{'✓' if t.equal else '✗'} {t.note}".strip(),
                       types[t.same_types], short(t.sha256, 16)) for t in value.tables))


def media_view(value: MediaCheck, lang: str) -> Iterator[Block]:
    """Media and places, inspected."""
    yield from _charts("vault_charts", value, lang, ("copies", "各处副本", "Copies, place by place"),
                       ("inspections", "介质检查", "Inspection of media"))
    yield Table(pick(lang, "介质检查", "Media inspected"),
                (pick(lang, "名称", "Name"), pick(lang, "种类", "Sort"), pick(lang, "结果", "Result"),
                 pick(lang, "加密", "Encrypted"), "SMART", pick(lang, "到期检查", "Due")),
                tuple((m.name, in_words(m.sort, lang), "✓" if m.ok else "✗ " + "; ".join(in_words(p, lang) for p in m.problems),
                       in_words(m.encrypted, lang), _smart(m.smart, lang), "⚠" if m.due else "") for m in value.media))


def _smart(smart: Any, lang: str) -> str:
    if smart is None:
        return ""
    if not smart.offered:
        return pick(lang, "未提供", "not offered")
    return "; ".join(smart.findings) or (pick(lang, "通过", "passed") if smart.passed else pick(lang, "未通过", "failed"))


def due_view(value: DueList, lang: str) -> Iterator[Block]:
    """Recurring checks and when they are due."""
    for i in value.items:
        if i.due:
            yield Callout("warn", f"{in_words(i.what, lang)} {i.name} → {in_words(i.todo, lang)}")
    yield from _charts("vault_charts", value, lang, ("due", "下一次检查", "Next checks"))


def window_view(value: WindowClosed, lang: str) -> Iterator[Block]:
    """The end of the restore window."""
    yield Callout("good", pick(
        lang, f"恢复窗口已关闭:{value.slots} 个备份密钥已销毁({value.method}),归档仍可打开({value.archive_opens} 个对象已试开)。",
        f"The restore window is closed: {value.slots} backup keys destroyed ({value.method}); the archive still opens "
        f"({value.archive_opens} objects tried)."))
    yield from _holders(value.holders, lang)


def shredded_view(value: Shredded, lang: str) -> Iterator[Block]:
    """A class, table or person that no key opens any more."""
    yield Callout("good", pick(lang, f"{value.what}:{value.slots} 个密钥已销毁,新纪元 {value.epoch}。",
                               f"{value.what}: {value.slots} keys destroyed, epoch {value.epoch}."))
    for name in value.left:
        yield Callout("warn", pick(lang, f"{name} 的密封原件仍含这些行。", f"The sealed original of {name} still holds such rows."))
    for name in value.readers:
        yield Callout("warn", f"{name}: {pick(lang, PAST_ZH, PAST_EN)}")
    if value.tables:
        yield Table(pick(lang, "销毁的内容", "What went"),
                    (pick(lang, "封存集", "Set"), pick(lang, "表或文件", "Table or file"), pick(lang, "行", "Rows")),
                    tuple((t.set, f"{t.source}.{t.table}", pick(lang, "整体", "whole") if t.whole else f"{t.rows:,}")
                          for t in value.tables))
    yield from _holders(value.holders, lang)


def reader_view(value: ReaderCopy, lang: str) -> Iterator[Block]:
    """A reader's copy."""
    yield Facts(((pick(lang, "读者", "Reader"), value.reader), (pick(lang, "类别", "Classes"), ", ".join(value.classes)),
                 (pick(lang, "列", "Columns"), ", ".join(value.columns) or pick(lang, "全部", "all")),
                 (pick(lang, "行", "Rows"), f"{value.rows:,}"), (pick(lang, "给予", "Given"), value.at)))
    if value.removed_at:
        yield Callout("warn", pick(lang, PAST_ZH, PAST_EN))


def repaired_view(value: Repaired, lang: str) -> Iterator[Block]:
    """What came back from another place."""
    yield Callout("bad" if value.lost else "good", pick(
        lang, f"修复 {len(value.mended)} 个文件,{len(value.lost)} 个无处完好。",
        f"{len(value.mended)} files repaired, {len(value.lost)} whole nowhere."))
    rows = [(p, pick(lang, "已修复", "repaired")) for p in value.mended]
    rows += [(p, pick(lang, "无处完好", "whole nowhere")) for p in value.lost]
    if rows:
        yield Table(pick(lang, "文件", "Files"), (pick(lang, "文件", "File"), pick(lang, "结果", "Result")), tuple(rows))


def remote_view(value: RemoteCopy, lang: str) -> Iterator[Block]:
    """A store that holds what a place holds."""
    yield Callout("good", pick(lang, f"{value.url} 与封存位置一致:{value.files:,} 个文件,已逐一读回核对。",
                               f"{value.url} holds what the place holds: {value.files:,} files, each read back."))


VIEWS: dict[str, Callable[[Any, str], Iterator[Block]]] = {
    SealedBackup.kind: backup_view, RestoreTest.kind: restore_view, MediaCheck.kind: media_view, DueList.kind: due_view,
    WindowClosed.kind: window_view, Shredded.kind: shredded_view, ReaderCopy.kind: reader_view, Repaired.kind: repaired_view,
    RemoteCopy.kind: remote_view,
}
