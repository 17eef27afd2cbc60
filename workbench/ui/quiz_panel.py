"""The quiz panel: a person reads the material, answers, sees why the right answer is right, and signs with an own key.

from workbench.ui.quiz_panel import quiz_panel
quiz_panel(case)
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from workbench.records.blocks import recording
from workbench.ui.approve_panel import secret_for
from workbench.ui.chart_style import say
from workbench.ui.panels import own_keys

if TYPE_CHECKING:
    from workbench.case import Case


def quiz_panel(case: Case, lang: str = "") -> Any:
    """Show the panel and return its box; None in record mode."""
    if recording():
        return None
    import ipywidgets as w
    from IPython.display import display

    from workbench.case import Case as Fresh
    from workbench.errors import WorkbenchError
    from workbench.governance import training

    lang = lang or case.lang
    style, wide = {"description_width": "160px"}, w.Layout(width="640px")
    who = w.Dropdown(options=[(f"{p.name} ({p.id})", p.id) for p in case.config.people],
                     description=say(lang, "参加者", "who takes it"), style=style, layout=wide)
    word = w.Password(description=say(lang, "本人密钥的口令", "passphrase of the key"), style=style, layout=wide)
    button = w.Button(description=say(lang, "✓ 提交并签名", "✓ hand in and sign"), button_style="success", layout=w.Layout(width="200px"))
    lesson, questions, told = w.HTML(), w.VBox(), w.HTML()
    asked: dict[str, Any] = {}

    def show(_change: Any = None) -> None:
        texts = "".join(f"<li>{escape(t)}</li>" for t in training.material(case, who.value, lang))
        lesson.value = f"<ol>{texts}</ol>"
        asked.clear()
        parts: list[Any] = []
        for q in training.quiz(case, who.value, lang):
            asked[q.id] = w.RadioButtons(options=[(o, n) for n, o in enumerate(q.options)], value=None, layout=w.Layout(width="auto"))
            parts += [w.HTML(f"<b>{escape(q.question)}</b>"), asked[q.id]]
        questions.children, told.value = tuple(parts), ""

    def hand_in(_button: Any) -> None:
        person, secret = who.value, word.value
        word.value = ""
        try:
            with secret_for(case, person, secret):
                answers = {name: radio.value for name, radio in asked.items() if radio.value is not None}
                result = training.answer(Fresh.open(case.folder), person, answers)
            mark = say(lang, "✓ 通过", "✓ passed") if result.passed else say(lang, "✗ 未通过", "✗ not passed")
            why = "".join(f"<li>{escape(t)}</li>" for t in training.explain(result.wrong, lang))
            told.value = f"<p role='status'>{mark} {result.right}/{result.questions}</p><ul>{why}</ul>"
        except WorkbenchError as e:
            told.value = f"<p role='alert'>⚠ {escape(str(e))}</p>"

    who.observe(show, "value")
    button.on_click(hand_in)
    show()
    box = own_keys(w.VBox([who, lesson, questions, word, button, told]))
    display(box)  # type: ignore[no-untyped-call]
    return box
