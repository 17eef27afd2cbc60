"""The approval panel: the plan's digest, who has signed, and a place to sign or object. One signs with a key of one's own.

from workbench.ui.approve_panel import approve_panel
approve_panel(case)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.errors import ParameterError
from workbench.ledger.keys import passphrase_name
from workbench.records.blocks import recording
from workbench.ui.chart_style import say
from workbench.ui.panels import own_keys

if TYPE_CHECKING:
    from workbench.case import Case


SHORTEST = 8


@contextmanager
def secret_for(case: Case, person: str, word: str) -> Iterator[None]:
    """The passphrase of a person's key where keys are read from, while the block runs.

    Raises: ParameterError when this signature would make a key that anybody could use.
    """
    name = passphrase_name(person)
    before = os.environ.get(name)
    if len(word or before or "") < SHORTEST and not case.has_key(person):
        raise ParameterError(f"{person} has no key yet, and the first signature makes it",
                             f"type a passphrase of {SHORTEST} characters or more and keep it: it cannot be recovered")
    if word:
        os.environ[name] = word
    try:
        yield
    finally:
        if word:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before


def approve_panel(case: Case, lang: str = "") -> Any:
    """Show the panel and return its box; None in record mode."""
    if recording():
        return None
    import ipywidgets as w
    from IPython.display import display

    from workbench.case import Case as Fresh
    from workbench.case import approvals
    from workbench.errors import WorkbenchError

    lang = lang or case.lang
    style, wide = {"description_width": "160px"}, w.Layout(width="640px")
    who = w.Dropdown(
        options=[(f"{p.name} ({p.id})", p.id) for p in case.config.people if {"approver", "supervisor", "inspector"} & set(p.roles)],
        description=say(lang, "签署人", "who signs"), style=style, layout=wide,
    )  # fmt: skip
    word = w.Password(description=say(lang, "本人密钥的口令", "passphrase of the key"), style=style, layout=wide)
    comment = w.Text(description=say(lang, "意见 / 反对理由", "comment / objection"), style=style, layout=wide)
    sign = w.Button(description=say(lang, "✓ 签署此计划", "✓ sign this plan"), button_style="success", layout=w.Layout(width="180px"))
    against = w.Button(description=say(lang, "✗ 反对", "✗ object"), layout=w.Layout(width="180px"))
    stands, told = w.HTML(), w.HTML()

    def refresh() -> str:
        digest = approvals.newest_plan(case)
        signed = [case.config.person(p).name for p in approvals.signed_by(case)]
        names = ", ".join(signed) or say(lang, "尚无", "nobody yet")
        stands.value = (
            f"<p>{say(lang, '计划摘要', 'Digest of the plan')} <code>{digest}</code><br>"
            f"{say(lang, '已签署', 'Signed by')}: {escape(names)} ({len(signed)}/{approvals.NEEDED})</p>"
        )
        return digest

    def act(objects: bool) -> None:
        person, secret = who.value, word.value
        word.value = ""
        try:
            with secret_for(case, person, secret):
                fresh = Fresh.open(case.folder)  # keys are kept open by a case: each signature reads its own anew
                if objects:
                    approvals.object_to(fresh, person, comment.value)
                    said = say(lang, "✗ 已记入反对;撤回之前计划不能执行。", "✗ Objection kept; the plan cannot run until it is lifted.")
                else:
                    done = approvals.approve(fresh, person, plan=shown[0], comment=comment.value)
                    said = say(lang, "✓ 已签署。还需另一人签署。", "✓ Signed. One more person has to sign.") if done is None else \
                        say(lang, "✓ 已签署。计划可以执行。", "✓ Signed. The plan may run.")
            told.value = f"<p role='status'>{escape(said)}</p>"
        except WorkbenchError as e:
            told.value = f"<p role='alert'>⚠ {escape(str(e))}</p>"
        shown[0] = refresh()

    try:
        shown = [refresh()]
    except WorkbenchError as e:
        display(w.HTML(escape(str(e))))  # type: ignore[no-untyped-call]
        return None
    sign.on_click(lambda _button: act(False))
    against.on_click(lambda _button: act(True))
    box = own_keys(w.VBox([stands, who, word, comment, w.HBox([sign, against]), told]))
    display(box)  # type: ignore[no-untyped-call]
    return box
