"""Write the troubleshooting pages from the error tree and ``troubleshooting.toml``: ``make docs``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from workbench import errors

HERE = Path(__file__).parent
HEADS = {
    "en": (
        "Troubleshooting",
        "Written by `make docs` from [the error tree](../workbench/errors.py) and `troubleshooting.toml`; a test keeps them in step.",
        "is a",
        "In the browser",
        (
            "A panel takes no keys or shows nothing: run the notebook's cells (Run > Run All Cells); a notebook opened anew shows "
            "its last pictures until then.",
            "The first run after installing compiles for about half a minute, once.",
            "Charts of a record stay empty when its folder was copied without `assets/`: copy the whole folder.",
            "Chinese shows as boxes: install a CJK font (Debian: fonts-noto-cjk).",
            "JupyterLab says the port is taken: `workbench lab CASE --port 8899`.",
        ),
    ),
    "zh": (
        "故障排除",
        "由 `make docs` 根据[错误树](../workbench/errors.py)和 `troubleshooting.toml` 生成;测试保证两者一致。",
        "属于",
        "浏览器中",
        (
            "面板没有反应或空白:运行笔记本的全部单元(运行 > 运行所有单元);重新打开的笔记本在此之前只显示上次的画面。",
            "安装后第一次运行要编译约半分钟,仅此一次。",
            "记录中的图为空:复制时漏了 `assets/`,请复制整个文件夹。",
            "中文显示为方框:安装中日韩字体(Debian:fonts-noto-cjk)。",
            "JupyterLab 提示端口被占用:`workbench lab CASE --port 8899`。",
        ),
    ),
}


def tree() -> list[type[errors.WorkbenchError]]:
    """Every class of the tree, parents before children, in the order they are written in."""
    out, todo = [], [errors.WorkbenchError]
    while todo:
        one = todo.pop(0)
        out.append(one)
        todo = [c for c in one.__subclasses__() if c.__module__ == errors.__name__] + todo
    return out


def page(lang: str) -> str:
    """The page in a language. KeyError when an error has no entry, or an entry no error."""
    entries = tomllib.loads((HERE / "troubleshooting.toml").read_text(encoding="utf-8"))
    title, lead, below, browser, hints = HEADS[lang]
    lines = [f"# {title}", "", lead, ""]
    for one in tree():
        text = entries.pop(one.__name__)[lang]
        parent = one.__bases__[0]
        kind = f" ({below} {parent.__name__})" if issubclass(parent, errors.WorkbenchError) else ""
        lines += [f"## {one.__name__}{kind}", "", text, ""]
    if entries:
        raise KeyError(f"no such error: {', '.join(entries)}")
    lines += [f"## {browser}", "", *(f"- {h}" for h in hints)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    for language, name in (("en", "troubleshooting.md"), ("zh", "troubleshooting.zh-CN.md")):
        (HERE / name).write_text(page(language), encoding="utf-8")
