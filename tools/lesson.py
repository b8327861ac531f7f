"""Write the page lesson.html of the playground from docs/classroom.md, which the package does not have.

python tools/lesson.py
"""

import re
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
PATH = ROOT / "src" / "tendigits" / "web" / "page" / "lesson.html"

PAGE = """$head
</head>
<body>
<nav><a href="index.html#play">← Play</a> <a href="try.html">Sheets to print</a></nav>
<main class="lesson">
{body}</main>
</body>
</html>
"""


def lesson() -> str:
    """The lesson as a fragment of HTML; without its picture, and without links to other documents."""
    text = (ROOT / "docs" / "classroom.md").read_text(encoding="utf-8")
    text = re.sub(r"^!\[.*\n\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]+)\]\((?!\w+:)[^)]*\)", r"\1", text)
    body = MarkdownIt("commonmark").enable("table").render(text).replace("$", "$$")
    body = re.sub(r' style="[^"]*"', "", body)  # which a page's policy may forbid
    return PAGE.replace("{body}", body.replace("<th>", '<th scope="col">'))


if __name__ == "__main__":
    PATH.write_text(lesson(), encoding="utf-8", newline="\n")
