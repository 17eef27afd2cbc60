"""DRAFTS: a notice for every clock, with all the contents that the law lists, filled from what the case knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.governance.clocks import Clock, grade
from workbench.governance.incidents import clocks_of
from workbench.governance.model import Draft, Incident
from workbench.governance.texts import load, pick
from workbench.plan.make import packs_of

if TYPE_CHECKING:
    from workbench.case import Case


def drafts(case: Case, item: Incident, lang: str) -> tuple[Draft, ...]:
    """A draft for every clock that applies or may apply, in ``lang``."""
    return tuple(draft(case, item, clock, lang) for clock in clocks_of(case, item) if clock.applies != "no")


def draft(case: Case, item: Incident, clock: Clock, lang: str) -> Draft:
    """One notice; what only a person can say stands there as a gap and is named in ``missing``."""
    table = load("notices")
    gap = pick(table["words"]["fill_in"], lang)
    fields, missing = [], []
    for name in table["notices"].get(clock.rule, table["default"]):
        spec = table["fields"][name]
        text = _FILL[spec["fill"]](case, item, lang) if spec["fill"] != "none" else ""
        if not text:
            missing.append(name)
        fields.append((name, pick(spec, lang), text or gap))
    mark = pick(table["nature"]["drill"], lang) + ": " if item.drill else ""
    return Draft(incident=item.id, rule=clock.rule, to=clock.to, lang=lang,
                 title=mark + (clock.zh if lang == "zh" else clock.en), fields=tuple(fields), missing=tuple(missing),
                 provision=clock.provision_zh if lang == "zh" else clock.provision_en, confidence=clock.confidence)


def as_text(value: Draft) -> str:
    """The draft as plain text, ready to be completed."""
    body = "\n".join(f"{n}. {label}\n   {text}" for n, (_, label, text) in enumerate(value.fields, 1))
    return f"{value.title}\n→ {value.to}\n\n{body}\n\n{value.provision} [{value.confidence}]\n"


def _categories(case: Case, item: Incident, lang: str) -> str:
    packs = packs_of(case)
    names = [pick(c.names.model_dump(), lang) if (c := packs.category(i)) else i for i in item.categories]
    return ("、" if lang == "zh" else ", ").join(names)


def _persons(_: Case, item: Incident, lang: str) -> str:
    return pick(load("notices")["words"]["unknown"], lang) if item.persons is None else f"{item.persons:,}"


def _nature(_: Case, item: Incident, lang: str) -> str:
    said = pick(load("notices")["nature"][item.origin], lang)
    places = ", ".join(item.places[:8])
    count = f"{item.records:,} " + ("条记录" if lang == "zh" else "records") if item.records else ""
    return " · ".join(filter(None, (said, places, count, item.discovered_at)))


def _harm(_: Case, item: Incident, lang: str) -> str:
    return pick(load("notices")["harm"][item.sort], lang)


def _measures(_: Case, item: Incident, lang: str) -> str:
    steps = {s["id"]: s for s in load("playbooks")[item.sort]["steps"]}
    return "; ".join(f"{pick(steps[t.step], lang)} ({t.at})" for t in item.ticks)


def _todo(_: Case, item: Incident, lang: str) -> str:
    done = {t.step for t in item.ticks}
    return "; ".join(pick(s, lang) for s in load("playbooks")[item.sort]["steps"] if s["id"] not in done)


def _contact(case: Case, item: Incident, lang: str) -> str:
    c = case.config.case
    return f"{_company(case, lang)}: {c.contact}" if c.contact else pick(load("notices")["words"]["nobody"], lang)


def _company(case: Case, lang: str) -> str:
    c = case.config.case
    return c.company if lang == "zh" else c.company_en or c.company


def _unit(case: Case, item: Incident, lang: str) -> str:
    systems = {p.split(".", 1)[0] for p in item.places}
    named = [s.system or s.name for s in case.config.sources if s.name in systems or not systems]
    return f"{_company(case, lang)}; {', '.join(named) or ', '.join(item.places[:3])}"


def _course(case: Case, item: Incident, lang: str) -> str:
    reached = grade(packs_of(case), case.today(), item.persons)
    level = pick(reached[0].names.model_dump(), lang) if reached else pick(load("notices")["words"]["unknown"], lang)
    return " · ".join(filter(None, (item.discovered_at, case.config.case.place, pick(load("playbooks")[item.sort]["names"], lang),
                                    level, _harm(case, item, lang), _measures(case, item, lang))))


def _found(case: Case, item: Incident, lang: str) -> str:
    return f"winddown-workbench ({item.origin}) · {item.discovered_at} · {case.config.case.place}"


_FILL: dict[str, Callable[[Case, Incident, str], str]] = {
    "categories": _categories, "persons": _persons, "records": lambda c, i, lang: f"{i.records:,}" if i.records else "",
    "nature": _nature, "harm": _harm, "measures": _measures, "todo": _todo, "contact": _contact, "unit": _unit,
    "course": _course, "found": _found, "self_help": lambda c, i, lang: pick(load("notices")["self_help"], lang),
    "scene": lambda c, i, lang: pick(load("playbooks")[i.sort]["secure"], lang),
}
