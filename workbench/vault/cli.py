"""VAULT on the command line. Each command is one call; everything heavy is imported inside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from workbench.vault.model import Shredded

CASE = click.argument("case_dir", type=click.Path(path_type=Path))
REASON = click.option("--reason", required=True, help="Why; goes into the record. No customer data.")


@click.group()
def vault() -> None:
    """Restore tests, shredding, readers, custodians, due inspections and repair of what is sealed."""


def say(lang: str, zh: str, en: str) -> None:
    """Print the sentence of the case's language."""
    click.echo(zh if lang == "zh" else en)


@vault.command("restore-test")
@CASE
@click.option("--into", "url", required=True, help="Empty database: sqlite:///NEW.sqlite or postgresql://user@host/db.")
@click.option("--password-env", default="", help="Environment variable that holds the database password.")
@click.option("--keep", is_flag=True, help="Leave the restored data there (everybody's data in the clear).")
def restore_test(case_dir: Path, url: str, password_env: str, keep: bool) -> None:
    """Restore backup and archive into an empty database and compare rows, digests and types with what was sealed.

    Exit code 1 when something differs.
    """
    from workbench.case import Case
    from workbench.vault.trial import restore_into

    case = Case.open(case_dir)
    test = restore_into(case, url, password_env=password_env, keep=keep)
    bad = [c for c in test.tables if not c.equal]
    for c in bad:
        say(case.lang, f"不一致：{c.source}.{c.table} 封存 {c.rows_sealed:,} 行，恢复 {c.rows_restored:,} 行 {c.note}",
            f"not equal: {c.source}.{c.table} {c.rows_sealed:,} rows sealed, {c.rows_restored:,} restored {c.note}")
    for c in test.tables:
        if c.same_types is False or (c.equal and c.note):
            say(case.lang, f"类型有别：{c.source}.{c.table} {c.note}", f"other types: {c.source}.{c.table} {c.note}")
    rows = sum(c.rows_restored for c in test.tables)
    say(case.lang, f"从 {test.place} 恢复到 {test.into}：{len(test.tables) - len(bad)}/{len(test.tables)} 个表和文件一致，{rows:,} 行",
        f"restored from {test.place} into {test.into}: {len(test.tables) - len(bad)} of {len(test.tables)} tables and files "
        f"equal, {rows:,} rows")
    if keep:
        say(case.lang, "注意：恢复出的明文数据仍在该数据库中，用毕请删除。",
            "Note: the restored data stay there in the clear; remove them when done.")
    raise SystemExit(0 if test.ok else 1)


@vault.command("shred-table")
@CASE
@click.argument("table", metavar="SOURCE.TABLE")
@REASON
def shred_table(case_dir: Path, table: str, reason: str) -> None:
    """Destroy what is sealed of one table or file, in every backup and the archive. A legal hold refuses it."""
    from workbench.case import Case
    from workbench.vault.selective import shred_table as shred

    case = Case.open(case_dir)
    source, _, name = table.partition(".")
    _told(case.lang, shred(case, source, name, reason))


@vault.command("shred-person")
@CASE
@click.argument("columns", metavar="SOURCE.TABLE:COLUMN...", nargs=-1, required=True)
@click.option("--follow/--no-follow", default=True, help="Also rows that point at the person's rows by foreign keys.")
@click.option("--files", is_flag=True, help="Also the sealed originals (Excel, CSV) that hold the person, whole.")
@REASON
def shred_person(case_dir: Path, columns: tuple[str, ...], follow: bool, files: bool, reason: str) -> None:
    """Destroy one person's sealed rows. The value of each COLUMN is asked for, never taken from the command line."""
    from workbench.case import Case
    from workbench.errors import ParameterError
    from workbench.vault.selective import shred_person as shred

    case = Case.open(case_dir)
    matches: dict[str, dict[str, list[str]]] = {}
    for item in columns:
        table, colon, column = item.rpartition(":")
        if not colon:
            raise ParameterError("a column is written SOURCE.TABLE:COLUMN", "shop.customers:id")
        value = click.prompt(item, hide_input=True, err=True)
        matches.setdefault(table, {}).setdefault(column, []).append(value)
    _told(case.lang, shred(case, matches, reason, follow=follow, files=files))


def _told(lang: str, done: Shredded) -> None:
    for t in done.tables:
        say(lang, f"{t.set} {t.source}.{t.table}：{'整体' if t.whole else f'{t.rows:,} 行'}",
            f"{t.set} {t.source}.{t.table}: {'whole' if t.whole else f'{t.rows:,} rows'}")
    for name in done.left:
        say(lang, f"仍在：{name} 的原件仍含这些行，只能整体销毁（--files）",
            f"left: the sealed original of {name} still holds such rows; it can only be shredded whole (--files)")
    for name in done.readers:
        say(lang, f"读者 {name} 曾得到副本，已从封存位置删除；请其书面确认已销毁所取走的副本。",
            f"reader {name} had a copy: removed from our places; have them confirm in writing that what they took is destroyed.")
    for h in done.holders:
        say(lang, h.zh, h.en)
    say(lang, f"已销毁 {done.slots} 个密钥，新纪元 {done.epoch}", f"{done.slots} keys destroyed, epoch {done.epoch}")


@vault.command("readers")
@CASE
def list_readers(case_dir: Path) -> None:
    """Who has which copy."""
    from workbench.case import Case
    from workbench.vault.readers import readers
    from workbench.vault.vault import open_vault

    case = Case.open(case_dir)
    with open_vault(case) as opened:
        found = readers(opened)
    for c in found:
        click.echo(f"{c.reader:<16} {c.at} {', '.join(c.classes)} [{', '.join(c.columns) or '*'}] {c.rows:,}")
    if not found:
        say(case.lang, "没有读者", "no reader")


@vault.command("add-reader")
@CASE
@click.argument("reader")
@click.option("--recipient", required=True, help="Their public age key (age1...), made with age-keygen.")
@click.option("--class", "classes", multiple=True, required=True, help="Retention class of the archive.")
@click.option("--column", "columns", multiple=True, help="Only these columns.")
@REASON
def add_reader(case_dir: Path, reader: str, recipient: str, classes: tuple[str, ...], columns: tuple[str, ...], reason: str) -> None:
    """Seal a copy of some classes (and columns) to READER's own key; they open it with `age -d -i KEY`."""
    from workbench.case import Case
    from workbench.vault.readers import add_reader as add

    case = Case.open(case_dir)
    copy = add(case, reader, recipient, classes, reason, columns=columns)
    places = ", ".join(f"{p}/readers/{reader}" for p in case.config.vault.places)
    say(case.lang, f"{copy.rows:,} 行已为 {reader} 封存于 {places}", f"{copy.rows:,} rows sealed for {reader} in {places}")


@vault.command("remove-reader")
@CASE
@click.argument("reader")
def remove_reader(case_dir: Path, reader: str) -> None:
    """Remove READER's copy from every place; what they took away cannot be called back."""
    from workbench.case import Case
    from workbench.vault.readers import PAST_EN, PAST_ZH
    from workbench.vault.readers import remove_reader as remove

    case = Case.open(case_dir)
    remove(case, reader)
    say(case.lang, PAST_ZH, PAST_EN)


@vault.command()
@CASE
@click.option("--due", "only", is_flag=True, help="Do nothing unless a check is due; run it from a timer.")
@click.option("--repair", is_flag=True, help="Bring damaged files back from another place.")
def check(case_dir: Path, only: bool, repair: bool) -> None:
    """Verify every place without keys and list what is due. Exit code 1 while something is damaged or overdue."""
    from workbench.case import Case
    from workbench.vault.media import check_media, in_words
    from workbench.vault.mending import repair as mend
    from workbench.vault.schedule import due

    case = Case.open(case_dir)
    wrong = False
    if repair:
        done = mend(case)
        for path in done.mended:
            say(case.lang, f"已修复：{path}", f"repaired: {path}")
        for path in done.lost:
            say(case.lang, f"无处完好：{path}", f"whole nowhere: {path}")
        wrong = bool(done.lost)
    if repair or not only or any(i.due and i.what == "verify" for i in due(case).items):
        for m in check_media(case).media:
            if m.sort == "place":
                words = "; ".join(in_words(p, case.lang) for p in m.problems) or in_words("sound", case.lang)
                click.echo(f"{m.name}: {words}")
                wrong |= not m.ok
    for i in due(case).items:
        if i.due:
            say(case.lang, f"到期：{in_words(i.what, 'zh')} {i.name}（上次 {i.last or '从未'}）→ {in_words(i.todo, 'zh')}",
                f"due: {i.what} {i.name} (last {i.last or 'never'}) -> {i.todo}")
            wrong = True
        elif only:
            say(case.lang, f"{in_words(i.what, 'zh')} {i.name}：下次 {i.next}", f"{i.what} {i.name}: next {i.next}")
    raise SystemExit(1 if wrong else 0)


@vault.command()
@CASE
def push(case_dir: Path) -> None:
    """Copy every sealed set to the S3-compatible store of case.toml and read it back. Needs no passphrase."""
    from workbench.case import Case
    from workbench.vault.remote import push as send

    case = Case.open(case_dir)
    done = send(case)
    say(case.lang, f"{done.url}：{done.files} 个文件一致，新传 {done.sent}，移除 {done.removed}",
        f"{done.url}: {done.files} files equal, {done.sent} sent, {done.removed} removed")


@vault.command()
@CASE
def pull(case_dir: Path) -> None:
    """Bring back from the store what is missing or damaged in the places."""
    from workbench.case import Case
    from workbench.vault.remote import pull as fetch

    case = Case.open(case_dir)
    back = fetch(case)
    for name in back:
        click.echo(name)
    say(case.lang, f"取回 {len(back)} 个文件", f"{len(back)} files came back")


@vault.command("split-key")
@CASE
@click.option("--need", type=int, required=True, help="So many custodians together open the vault.")
@click.option("--of", "count", type=int, required=True, help="So many custodians get a share, at most 16.")
def split_key(case_dir: Path, need: int, count: int) -> None:
    """Shares of the vault's key for custodians, one after the other on this screen, each typed back from its paper.

    Do it on a machine without network. Nothing is stored. A new passphrase makes all shares void: split again then.
    """
    from workbench.case import Case
    from workbench.errors import VaultError
    from workbench.vault.shares import split

    case = Case.open(case_dir)
    if not _terminal():
        raise VaultError("shares are shown on a terminal only, so that they stay in no log", "run this in a terminal")
    for n, share in enumerate(split(case, need, count), 1):
        while True:
            _cleared()
            say(case.lang, f"第 {n}/{count} 份。只让这位保管人看屏幕；把 33 个词写在纸上，然后按回车清屏：",
                f"Share {n} of {count}. For this custodian's eyes only: write the 33 words on paper, then press Enter to clear:")
            words = share.split()
            for at in range(0, len(words), 3):
                click.echo("   ".join(f"{at + i + 1:2} {w:<10}" for i, w in enumerate(words[at : at + 3])))
            click.prompt("", default="", show_default=False, prompt_suffix="", hide_input=True)
            _cleared()
            if _typed(case.lang, n).mnemonic() == share:
                break
            say(case.lang, "与屏幕上的不是同一份；再写一次。", "This is not the share that was shown; write it once more.")
            click.prompt("", default="", show_default=False, prompt_suffix="", hide_input=True)
    say(case.lang, f"已分给 {count} 位保管人，任意 {need} 位可恢复：workbench vault recover-key {case.folder}",
        f"{count} custodians have a share; any {need} recover the vault: workbench vault recover-key {case.folder}")


@vault.command("recover-key")
@CASE
def recover_key(case_dir: Path) -> None:
    """Open the vault with custodians' shares and give it a new passphrase: the one the usual variable holds now."""
    from workbench.case import Case
    from workbench.vault.kek import passphrase
    from workbench.vault.shares import recover

    case = Case.open(case_dir)
    passphrase(case.config.vault.passphrase_env)  # refused before the custodians have typed
    shares: dict[int, Any] = {}
    while not shares or len(shares) < next(iter(shares.values())).member_threshold:
        share = _typed(case.lang, len(shares) + 1)
        first = next(iter(shares.values()), share)
        if (share.identifier, share.extendable) != (first.identifier, first.extendable):
            say(case.lang, "这一份与第 1 份不属于同一案件或同一次分割，不计入。若第 1 份有误，按 Ctrl-C 重新开始。",
                "Not counted: not of the same case and ceremony as share 1. If that is the wrong one: Ctrl-C, start again.")
        elif share.index in shares:
            say(case.lang, "这一份已输入过，不计入；请下一位保管人输入。",
                "Not counted: this share is here already; ask another custodian.")
        else:
            shares[share.index] = share
    epoch = recover(case, [s.mnemonic() for s in shares.values()])
    say(case.lang, f"已恢复，新口令生效，新纪元 {epoch}。旧的份额已失效：请重新 split-key。",
        f"Recovered: the new passphrase holds, epoch {epoch}. The old shares are void: run split-key again.")


@vault.command("rotate-passphrase")
@CASE
@click.option("--old-env", required=True, metavar="NAME", help="Environment variable that holds the present passphrase.")
def rotate(case_dir: Path, old_env: str) -> None:
    """Give the vault the passphrase that the usual variable holds now. Objects stay as they are; shares become void."""
    from workbench.case import Case
    from workbench.vault.shares import rotate_passphrase

    case = Case.open(case_dir)
    epoch = rotate_passphrase(case, old_env)
    say(case.lang, f"新口令生效，新纪元 {epoch}。若有保管人份额，已失效：请重新 split-key。",
        f"The new passphrase holds, epoch {epoch}. Custodians' shares, if any, are void: run split-key again.")


def _cleared() -> None:
    """An empty screen, and nothing left to scroll back to."""
    click.clear()
    click.echo("\x1b[3J", nl=False)


def _terminal() -> bool:
    return sys.stdout.isatty()


def _typed(lang: str, n: int) -> Any:
    """A share typed without echo, asked for again until it reads as one."""
    from workbench.errors import VaultError
    from workbench.vault.shares import read_share

    while True:
        text = click.prompt(f"第 {n} 份（33 个词，每词前四个字母即可）" if lang == "zh" else
                            f"Share {n} (33 words; four letters of each are enough)", hide_input=True, err=True)
        try:
            return read_share(text, n)
        except VaultError as e:
            click.echo(f"{e}", err=True)
