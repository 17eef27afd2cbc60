"""GOVERNANCE: registers of a closing. The case goes in; incidents, findings, partners, requests and notices come out.

Each register holds typed values that are noted in the ledger; the newest value of an id is its state. Texts, questions,
playbooks and checks are YAML files in ``data/`` that a lawyer or a security officer can change.

    watch(case)                         # opens incidents by itself
    inspect(case, "inspector")          # checks as code; a severe finding stops the plan
    write_notice(case, "closing")       # accessible bilingual pages, small counts suppressed
    find_person(case, ["138..."])       # rows of one person, no list of people
"""
