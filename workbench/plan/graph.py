"""Which tables hold persons through their keys, and the order in which children come before parents."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx

from workbench.plan.bases import Subject


def _graph(subjects: Mapping[str, Subject]) -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(sorted(subjects))
    for id_ in sorted(subjects):
        s = subjects[id_]
        for k in s.keys:
            parent = f"{s.table.source}.{k.ref_table}"
            if parent in subjects and parent != id_:
                graph.add_edge(id_, parent)
    return graph


def linked_tables(subjects: Mapping[str, Subject]) -> None:
    """Mark tables that hold persons, or point at a table that does, over any number of keys."""
    graph = _graph(subjects)
    seeds = [i for i, s in subjects.items() if s.findings and not (s.type and s.type.plain)]
    seeds += [i for i, s in subjects.items() if s.type and s.type.id.startswith(("person.", "hr.")) and s.findings]
    reached: set[str] = set()
    stack = sorted(seeds)
    while stack:
        node = stack.pop()
        if node in reached:
            continue
        reached.add(node)
        stack.extend(p for p in graph.predecessors(node) if not _reference(subjects[p]))
    for id_, s in subjects.items():
        s.linked = id_ in reached


def _reference(s: Subject) -> bool:
    """Catalogue data do not become personal by a key."""
    return bool(s.type and s.type.plain and not s.findings)


def children_first(subjects: Mapping[str, Subject]) -> list[list[str]]:
    """Groups of table ids; every child's group comes before its parents'. Tables in a cycle share a group."""
    condensed = nx.condensation(_graph(subjects))
    members = condensed.nodes
    key = {n: min(members[n]["members"]) for n in condensed}
    order = nx.lexicographical_topological_sort(condensed, key=lambda n: key[n])
    return [sorted(members[n]["members"]) for n in order]
