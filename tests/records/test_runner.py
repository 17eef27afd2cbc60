"""Running notebooks: parameters, failures, dead kernels, leaks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat as nbf
import pytest

from workbench.case import Case
from workbench.case.steps import Step
from workbench.errors import ParameterError, RecordError
from workbench.records import parameters, runner

PARAMETERS = 'case_dir: str = "."  # case folder\nrows: int = 5  # how many\nshare: float = 0.5  # part\nfast: bool = False  # skip'
PHONE = "138" + "00138" + "000"
MAIL = "li.lei" + "@" + "example.cn"


def book(*sources: str) -> Any:
    cells = [nbf.v4.new_code_cell(PARAMETERS), *(nbf.v4.new_code_cell(s) for s in sources)]
    cells[0].metadata["tags"] = ["parameters"]
    made = nbf.v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return made


@pytest.fixture
def run(make_case: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """Run a made-up notebook as the step ``case``; returns the case."""
    case = Case.open(make_case())
    case.begin()

    def go(*sources: str, **given: Any) -> Case:
        path = tmp_path / "00_case.ipynb"
        nbf.write(book(*sources), path)
        monkeypatch.setattr(runner, "source_notebook", lambda _: path)
        runner.run_step(case, Step("case", path.name, "立案", "Case"), given)
        return case

    go.case = case  # type: ignore[attr-defined]
    return go


@pytest.mark.parametrize(("given", "says"), [
    ({"typo": 1}, "no parameter 'typo'.*case_dir, fast, rows, share"), ({"rows": "5"}, "is str, not int"),
    ({"rows": True}, "is bool, not int"), ({"share": "x"}, "is str, not float"), ({"case_dir": PHONE}, "looks personal"),
    ({"case_dir": "postgresql://u:pw@h/d"}, "looks personal or secret"),
])
def test_wrong_parameters_are_refused_before_a_kernel_starts(given: dict[str, Any], says: str) -> None:
    """Unknown names, wrong types, and values that would be written five times into a record."""
    with pytest.raises(ParameterError, match=says):
        parameters.check(given, parameters.declared(book()), "nb")


def test_pairs_of_a_command_line_become_typed_values() -> None:
    """-p rows=7 is an int, and -p rows=x says what to type."""
    known = parameters.declared(book())
    assert parameters.parse_pairs(("rows=7", "fast=true"), known, "nb") == {"rows": 7, "fast": True}
    with pytest.raises(ParameterError, match="not of type int"):
        parameters.parse_pairs(("rows=x",), known, "nb")


def test_a_run_leaves_a_record_in_both_languages_and_a_ledger_entry(run: Callable[..., Case]) -> None:
    """Executed notebook, two pages, digests signed for."""
    case = run("print('hello', rows)", rows=7)
    folder = case.folder / "records"
    assert sorted(f.name for f in folder.iterdir()) == ["00_case.en.html", "00_case.ipynb", "00_case.zh.html"]
    assert "hello 7" in (folder / "00_case.en.html").read_text(encoding="utf-8")
    (entry,) = case.ledger.of_type("record/v1")
    assert entry.predicate["result"] == "done"


def test_a_failing_cell_leaves_a_record_that_says_so(run: Callable[..., Case]) -> None:
    """RecordError for the user, an honest page for the reader, later cells not run."""
    with pytest.raises(RecordError, match=r"failed \(ZeroDivisionError\).*Next:"):
        run("1 / 0", "print('never')")
    case = run.case  # type: ignore[attr-defined]
    page = (case.folder / "records" / "00_case.zh.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in page
    assert "失败" in page
    assert "never</pre>" not in page
    (entry,) = case.ledger.of_type("record/v1")
    assert entry.predicate["result"] == "failed"


def test_a_record_that_failed_after_its_step_was_done_stands_as_failed(run: Callable[..., Case]) -> None:
    """A notebook that refuses what its step has done (an erasure not proven) leaves the step open, and the next shut."""
    with pytest.raises(RecordError):
        run("from workbench import open_case", "with open_case('.').step('case'):\n    pass", "1 / 0")
    case = run.case  # type: ignore[attr-defined]
    outcome, stands = case.outcome("case"), case.stands("case")
    assert outcome is not None
    assert stands is not None
    assert (outcome.predicate["result"], stands.predicate["result"]) == ("done", "failed")
    assert next(r.state for r in case.status().rows if r.step == "case") == "failed"


def test_a_dead_kernel_leaves_a_record_that_says_so(run: Callable[..., Case]) -> None:
    """kill -9 of the kernel from inside."""
    with pytest.raises(RecordError, match="DeadKernelError"):
        run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    case = run.case  # type: ignore[attr-defined]
    assert "DeadKernelError" in (case.folder / "records" / "00_case.en.html").read_text(encoding="utf-8")


LEAKS = (
    f"p = '{PHONE[:5]}' + '{PHONE[5:]}'; m = '{MAIL[:7]}' + '{MAIL[7:]}'",
    "print(p, m); import sys; print(p, file=sys.stderr)",
    "import pandas as pd; display(pd.DataFrame({'phone': [p], 'mail': [m]}))",
    "import ipywidgets; display(ipywidgets.HTML('call ' + p)); display({'text/html': '<b>' + p + '</b>'}, raw=True)",
    "import logging, warnings; logging.warning(p); warnings.warn(m)",
    "import subprocess; subprocess.run(['sh', '-c', 'echo ' + p + '; echo ' + p + ' >&2'])",
    "import plotly.graph_objects as go; display(go.Figure(go.Bar(x=[p], y=[int(p)])))",
    "from workbench.records.blocks import show, Text; show(Text(p))",
    "p",
)


CARD, PASSWORD = "6222" + "0210" + "0112" + "3456" + "789", "hunter" + "2-s3cret"
EVERYTHING = (
    *LEAKS[:-1],
    f"c = '{CARD[:9]}' + '{CARD[9:]}'; u = 'postgresql://ann:' + '{PASSWORD[:6]}' + '{PASSWORD[6:]}' + '@db/shop'; print(c, u)",
    "from IPython.display import display, HTML, Markdown, JSON; display(HTML(p), Markdown(m), JSON({'k': [p, {m: c}]}))",
    "import sys; sys.stdout.write(p[:4]); sys.stdout.flush(); sys.stdout.write(p[4:])",
    "import tqdm; [None for _ in tqdm.tqdm(range(2), desc=p)]",
    "import logging; logging.getLogger('driver').error('Key (phone)=(%s) exists', p); logging.exception(m)",
    "import warnings; warnings.warn(f'bad value {c}', stacklevel=1)",
    "import subprocess, sys; subprocess.run([sys.executable, '-c', f'import sys; print({p!r}, file=sys.stderr); 1/0'])",
    "import os; os.system('echo ' + p + ' >&2')",
    "import ipywidgets; display(ipywidgets.Text(value=p), ipywidgets.VBox([ipywidgets.Label(m)]))",
    "import numpy as np, plotly.graph_objects as go; display(go.Figure(go.Scatter(x=np.array([int(p)]), y=np.array([1.5]), "
    "text=[m], hovertext=[c])))",
    "from workbench.records.blocks import show, figure; import pandas as pd; show(figure(p, go.Figure(go.Scatter("
    "x=np.array([int(p)]), y=[1])), pd.DataFrame({'v': [p]})))",
    "display({'application/vnd.custom+json': {'deep': [[p]]}, 'text/plain': m}, raw=True)",
    "get_ipython().run_line_magic('history', '-n'); In[-1]; p",
    "try:\n    raise KeyError(p)\nexcept KeyError as e:\n    raise ValueError('row of ' + m) from e",
)
CANARIES = {"phone": PHONE, "mail": MAIL, "card": CARD, "password": PASSWORD}


def found_in(folders: list[Path]) -> dict[str, list[str]]:
    """Canary -> files that hold it, in UTF-8, UTF-16 or as a figure's packed numbers."""
    import base64
    import struct

    packed = base64.b64encode(struct.pack("<q", int(PHONE)))[:10]
    hits: dict[str, list[str]] = {}
    for path in (p for f in folders for p in f.rglob("*") if p.is_file()):
        data = path.read_bytes()
        for name, value in CANARIES.items():
            if value.encode() in data or value.encode("utf-16-le") in data or (name == "phone" and packed in data):
                hits.setdefault(name, []).append(path.name)
    return hits


def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Home, temporary and IPython folders of this test alone, so that whatever is left there is found."""
    made = []
    for name in ("HOME", "TMPDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        folder = tmp_path / name.lower()
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv(name, str(folder))
        made.append(folder)
    return made


def test_every_kind_of_leak_at_once_leaves_no_canary_byte_anywhere(
    run: Callable[..., Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Twenty-two ways out of a kernel, four kinds of canary; case folder, home, temporary folders, IPython's history, the
    terminal and the error are searched. The same cells through stock papermill are the positive control."""
    folders = homes(tmp_path, monkeypatch)
    sockets: list[Path] = []

    class Noted(tempfile.TemporaryDirectory[str]):
        def __init__(self, **how: Any) -> None:
            super().__init__(**how)
            sockets.append(Path(self.name))

    monkeypatch.setattr("workbench.records.engine.tempfile.TemporaryDirectory", Noted)
    with pytest.raises(RecordError) as told:
        run(*EVERYTHING)
    case = run.case  # type: ignore[attr-defined]
    out, err = capfd.readouterr()
    assert "ValueError" in str(told.value), told.value
    assert found_in([case.folder, *folders]) == {}
    for value in CANARIES.values():
        assert value not in out + err + str(told.value)
    assert not list(tmp_path.rglob(".ipynb_checkpoints"))
    assert not list(tmp_path.rglob("history.sqlite"))
    assert sockets
    assert not [p for p in sockets if p.exists()]
    page = (case.folder / "records" / "00_case.zh.html").read_text(encoding="utf-8")
    for kind in ("[mobile]", "[email]", "[card]", "[secret]"):
        assert kind in page, "the cells ran, and what they said was masked"


def test_the_search_for_leaks_finds_them_after_a_stock_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: plain papermill writes every canary into the notebook."""
    import papermill as pm
    from papermill.exceptions import PapermillExecutionError

    folders = homes(tmp_path, monkeypatch)
    source, target = tmp_path / "in.ipynb", tmp_path / "home" / "out.ipynb"
    nbf.write(book(*EVERYTHING), source)
    with pytest.raises(PapermillExecutionError):
        pm.execute_notebook(str(source), str(target), kernel_name="python3", progress_bar=False)
    hits = found_in(folders)
    assert set(hits) == set(CANARIES)


@pytest.mark.parametrize("value", ["postgresql://ann:" + PASSWORD + "@db/shop", PHONE, MAIL])
def test_a_secret_in_a_parameter_is_refused_and_written_nowhere(
    run: Callable[..., Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    """papermill would write it five times; here no kernel starts and the refusal does not repeat it."""
    folders = homes(tmp_path, monkeypatch)
    with pytest.raises(ParameterError) as told:
        run("pass", case_dir=value)
    assert value not in str(told.value)
    assert found_in([run.case.folder, *folders]) == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("end", ["pass", "raise ValueError('bad row ' + p)", "{}[p]"], ids=["clean", "raised", "keyerror"])
def test_no_kind_of_output_leaks(run: Callable[..., Case], end: str, capfd: pytest.CaptureFixture[str]) -> None:
    """print, display, traceback, widget, log, warning, child process, figure: no canary byte anywhere in the case."""
    error = ""
    try:
        run(*LEAKS, end)
    except RecordError as e:
        error = str(e)
    case = run.case  # type: ignore[attr-defined]
    out, err = capfd.readouterr()
    for what in (error, out, err):
        assert PHONE not in what
        assert MAIL not in what
    for path in (p for p in case.folder.rglob("*") if p.is_file()):
        data = path.read_bytes()
        assert PHONE.encode() not in data, path.name
        assert MAIL.encode() not in data, path.name


def test_a_number_split_over_two_messages_is_masked_when_they_are_joined(run: Callable[..., Case]) -> None:
    """The engine sees messages one by one; the finished notebook is joined and masked again before it is kept."""
    source = f"import sys, time\nsys.stdout.write('{PHONE[:6]}'); sys.stdout.flush()\ntime.sleep(1)\n" \
             f"sys.stdout.write('{PHONE[6:]}'); sys.stdout.flush()"
    case = run(source)
    page = (case.folder / "records" / "00_case.zh.html").read_text(encoding="utf-8")
    assert "[mobile]" in page
    assert PHONE not in page


def test_what_the_mask_cannot_see_is_quarantined(run: Callable[..., Case]) -> None:
    """A number written into the notebook's own source is not output; the gate reads the whole page and refuses it."""
    with pytest.raises(RecordError, match="quarantine"):
        run(f"x = '{PHONE}'")
    case = run.case  # type: ignore[attr-defined]
    (entry,) = case.ledger.of_type("quarantine/v1")
    assert all(PHONE not in str(where) for where in entry.predicate["where"])
    assert not list((case.folder / "records").glob("*.html"))


def test_executed_notebooks_name_no_path_of_this_machine(run: Callable[..., Case]) -> None:
    """Not in papermill's metadata, not in tracebacks."""
    case = run("x = 1")
    text = (case.folder / "records" / "00_case.ipynb").read_text(encoding="utf-8")
    assert str(case.folder) not in text
    meta = json.loads(text)["metadata"]["papermill"]
    assert set(meta) <= {"start_time", "end_time", "duration", "exception", "parameters", "version"}
