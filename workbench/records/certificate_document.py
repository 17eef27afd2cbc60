"""Certificates of disposal on paper: one to a sheet, in Chinese and in English, as page, Word and (by Chromium) PDF.

The signed form is JSON (``data/certificates/ID.json`` of the bundle: the canonical bytes that were signed, both languages
in it); what is printed here says nothing that the signed form or the ledger does not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from workbench.case import Case
from workbench.erasure.complete import completions
from workbench.erasure.model import Certificate, Certificates, Completion, Erasure
from workbench.errors import ErasureError, ParameterError
from workbench.i18n import text
from workbench.ledger import write_durably
from workbench.plan.texts import coarse
from workbench.records.disposal_document import Grid, Section, write_page, write_word
from workbench.records.pdf import print_pdf
from workbench.records.viewer import category, pick, verdict
from workbench.vault.model import SealedBackup, WindowClosed

ACTIONS = {
    "erase": ("删除", "erased"), "lock": ("封存并清除", "sealed, then cleared"), "anonymise": ("匿名化", "anonymised"),
    "hand_over": ("移交后删除", "handed over, then erased"), "keep": ("保留", "kept"), "ask": ("待决定", "waits for a decision"),
    "destroy_medium": ("介质销毁", "medium to be destroyed"),
}


CHINESE = (
    (r"free blocks of the volume", "卷的空闲块"),
    (r"memory and swap of the machines that ran the store", "运行该存储的机器的内存与交换区"),
    (r"old blocks: this file system writes elsewhere instead of over them", "旧块：该文件系统写到别处而非覆盖"),
    (r"columns without a control hit: (.*)", r"没有阳性对照的列：\1"),
    (r"(\d+) rows left because rows that stay need them", r"\1 行因保留的行需要而未动"),
    (r"control key \((.*)\): made for this run, in one file, overwritten and removed with its proof",
     r"对照密钥（\1）：为本次运行生成，只存于一个文件，证明完成即覆盖并删除"),
    (r"(.*) and (.*), separate from the executor", r"\1 与 \2，与执行程序分开"),
)
"""a certificate's English sentences -> Chinese, where they have no pair of their own"""


def _told(sentence: str, lang: str) -> str:
    if lang == "zh":
        for pattern, words in CHINESE:
            if re.fullmatch(pattern, sentence):
                return re.sub(pattern, words, sentence)
    return sentence


def certificates(case: Case, disposal: str = "") -> tuple[Certificate, ...]:
    """The newest run's certificates, or the one of ``disposal``.

    Raises:
        ParameterError: there is none of that name. ErasureError: nothing was erased yet.
    """
    run = next((e for e in reversed(case.history(Erasure)) if e.certificates), None)
    if run is None:
        raise ErasureError("nothing was erased yet, so there is no certificate", f"workbench run {case.folder} erase")
    held = case.read(Certificates, run.certificates).certificates
    found = tuple(sorted((c for c in held if disposal in ("", c.disposal, c.id)), key=lambda c: c.disposal))
    if not found:
        raise ParameterError(f"there is no certificate of {disposal!r}", "name a line of the plan, such as " + held[0].disposal)
    return found


def title(lang: str) -> str:
    """The document's name."""
    return pick(lang, "客户信息销毁证明", "Certificates of disposal of customer information")


def lead(case: Case, found: tuple[Certificate, ...], lang: str) -> tuple[str, ...]:
    """Sentences under the title."""
    return (
        f"{_company(case, found[0], lang)} · {found[0].case_id} · {max(c.ended for c in found)}",
        pick(lang, f"共 {len(found)} 份,每份对应计划的一行;栏目依 NIST SP 800-88 第 2 版第 4.6 节,适用于逻辑存储。",
             f"{len(found)} in all, one for each line of the plan; fields after NIST SP 800-88 r2, section 4.6, for logical stores."),
        pick(lang, "签名的原件为 JSON(档案包 data/certificates 内);本件仅供阅读。证明不含任何客户信息:样本只以带密钥的摘要存在。",
             "The signed original is JSON (data/certificates in the bundle); this is for reading. No customer information is in it: "
             "samples exist as keyed digests only."))


def sections(case: Case, found: tuple[Certificate, ...], lang: str) -> Iterator[Section]:
    """Every certificate, part by part."""
    backup, closed = case.find(SealedBackup), case.find(WindowClosed)
    ended = closed.at if closed and backup and backup.set_id in closed.set_ids else ""
    done = completions(case)
    for n, c in enumerate(found):
        yield from _one(c, lang, _company(case, c, lang), ended, done.get(c.id), "fresh dense" if n else "dense")


def _company(case: Case, c: Certificate, lang: str) -> str:
    return c.controller if lang == "zh" else case.config.case.company_en or c.controller


def _one(c: Certificate, lang: str, company: str, window_closed: str, done: Completion | None, style: str) -> Iterator[Section]:
    def say(zh: str, en: str) -> str:
        return pick(lang, zh, en)

    who = {i: f"{name} ({', '.join(text(f'role.{r}', lang) for r in roles)})" for i, name, roles in c.people}
    rows = [
        (say("证明编号", "certificate"), c.id), (say("单位", "legal entity"), f"{company}, {c.place}"),
        (say("执行人", "operator"), who.get(c.operator, c.operator)),
        (say("审批人", "approvers"), "\n".join(f"{who.get(a, a)}" for a in c.approvers)
         + say("\n账本条目 ", "\nledger entries ") + ", ".join(map(str, c.approval_entries))),
        (say("存储", "store"), c.store), (say("卷", "volume"), c.volume or say("未提供", "not supplied")),
        (say("数据集", "records"), c.table),
        (say("信息类别", "categories"), ", ".join(category(x, lang) for x in c.categories) or "–"),
        (say("留存类别", "deletion class"), c.deletion_class or "–"),
        (say("依据", "legal basis"), "\n".join(_halves(x, lang) for x in c.legal_basis) or "–"),
        (say("处置与方法", "action and method"), f"{say(*_action(c))} · {c.method}"),
        (say("步骤", "steps"), "\n".join(c.steps) or "–"),
        (say("软件与配置", "tool and configuration"), f"{c.tool}\nSHA-256 {c.config}"), (say("计划", "plan"), f"SHA-256 {c.plan}"),
        (say("行数", "rows"), say(f"计划 {c.planned:,};删除 {c.deleted:,};清除 {c.suppressed:,};封存 {c.archived:,};未动 {c.refused:,}",
                                f"planned {c.planned:,}; deleted {c.deleted:,}; cleared {c.suppressed:,}; sealed {c.archived:,}; "
                                f"left {c.refused:,}")),
        (say("起止", "from, to"), f"{c.started} – {c.ended}"),
        (say("样本与残留", "samples, residue"), say(
            f"{c.needles:,} 个样本;删除前找到 {c.control_hits:,} 处,删除后 {c.residual_hits:,} 处;扫描 {c.bytes_scanned:,} 字节",
            f"{c.needles:,} samples; {c.control_hits:,} hits before, {c.residual_hits:,} after; {c.bytes_scanned:,} bytes scanned")),
        (say("编码", "encodings"), ", ".join(c.encodings) or "–"),
        (say("核验", "verified"), f"{_told(c.verified_by, lang)}\n{c.verified_at or c.ended}"),
        (say("密钥", "keys"), "\n".join(_told(k, lang) for k in c.keys) or "–"),
        (say("不包括", "not covered"), say("；", "; ").join(_told(x, lang) for x in c.exceptions) or "–"),
    ]
    if c.receiver:
        rows.append((say("接收方", "receiver"), c.receiver))
    if c.generalised:
        rows.append((say("仍保留的内容", "what they still say"), "; ".join(say(t.zh, t.en) for t in map(coarse, c.generalised))))
    if c.hidden:
        h = c.hidden
        level = f", l = {h.l} ({h.sensitive})" if h.l is not None else ""
        wanted = say(f"(要求 ≥ {h.wanted},{'已' if h.enough else '未'}达到)",
                     f" (wanted ≥ {h.wanted}: {'' if h.enough else 'not '}reached)") if h.wanted else ""
        rows.append((say("处置后测得", "measured afterwards"), f"k = {h.k}{wanted}{level}; {', '.join(h.columns)}"))
    if done:
        rows.append((say("完成", "completed"), say(f"{done.at},由 {done.person} 收取", f"{done.at}, taken in by {done.person}")
                     + "".join(f"\n{k}: {v}" for k, v in done.evidence.items())))
        rows.append((say("其例外", "its exceptions"), "; ".join(done.exceptions) or say("无", "none")))
    rows.append((say("签名", "signature"), f"Ed25519 {c.key_id}\n{c.signature}"))
    yield Section(f"{c.disposal} · {c.table} · {say(*_action(c))}", style=style,
                  lines=(f"{say('结论', 'Level reached')}: {verdict(c.verdict, lang)}. {say(c.level_zh, c.level_en)}",),
                  grid=Grid((say("栏目", "field"), say("内容", "content")), tuple(rows), (3.6, 13.4)))
    if c.files:
        head = say(f"{c.disposal}:对照与残留,按文件类别", f"{c.disposal}: control and residue by class of file")
        yield Section(head, style="dense", grid=Grid(
            tuple(say("文件类别,文件数,字节,删除前,删除后", "class of file,files,bytes,before,after").split(",")),
            tuple((f.sort, f"{f.files:,}", f"{f.bytes:,}", f"{f.control_hits:,}", f"{f.residual_hits:,}") for f in c.files),
            (5, 2.5, 3.5, 3, 3)))
    if c.copies:
        ends = {"sealed backup": say(f"密钥已于 {window_closed} 销毁,不可再打开", f"its keys were destroyed at {window_closed}")} \
            if window_closed else {}
        yield Section(say(f"{c.disposal}:其他副本", f"{c.disposal}: other copies"), style="dense", grid=Grid(
            tuple(say("种类,名称,处置", "sort,name,disposition").split(",")),
            tuple((x.sort, x.name, ends.get(x.sort) or say(x.zh, x.en)) for x in c.copies), (3, 5, 9)))


def _action(c: Certificate) -> tuple[str, str]:
    if c.hidden is not None and not c.hidden.enough:
        return "已概括，未达到匿名化", "made coarser, not anonymised"
    return ACTIONS.get(c.action, (c.action, c.action))


def _halves(basis: str, lang: str) -> str:
    """A rule's provision is written in both languages with a slash between."""
    name, _, provision = basis.partition(": ")
    halves = provision.split(" / ")
    return f"{halves[0] if lang == 'zh' else halves[-1]} [{name}]"


def write(case: Case, path: Path, lang: str, form: str, disposal: str = "") -> Path:
    """Write the certificates (or one) as html, docx, pdf or json (signed bytes; of several, one list); returns ``path``."""
    found = certificates(case, disposal)
    if form == "json":
        body = b",\n".join(c.canonical() for c in found)
        write_durably(path, body if disposal else b"[" + body + b"]\n")
        return path
    parts = tuple(sections(case, found, lang))
    if form == "docx":
        return write_word(path, lang, title(lang), lead(case, found, lang), parts)
    if form == "html":
        return write_page(path, lang, title(lang), lead(case, found, lang), parts)
    made = write_page(path.with_name(f".{path.name}.html"), lang, title(lang), lead(case, found, lang), parts)
    try:
        return print_pdf(made, path)
    finally:
        made.unlink()
