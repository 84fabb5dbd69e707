"""A plain page of a service's operations, made from its OpenAPI document.

No script and nothing from elsewhere: it works on a city's closed network and under the strict
content policy that the edge sends. Tools read the JSON it links to.
"""

import html
from typing import Any, Final

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "color:#1b1b1b;background:#fff}code{background:#f1f3f5;padding:.1em .3em;border-radius:3px}"
    "article{border-top:1px solid #c9cfd6;padding:.5rem 0 1rem}h2{font-size:1.05rem;margin:.6rem 0}"
    "b{display:inline-block;min-width:4.5rem;color:#0b4f8a}dt{font-weight:600}dd{margin:0 0 .4rem}"
    "a{color:#0b4f8a}a:focus-visible{outline:3px solid #f59f00}"
)


def render(document: dict[str, Any], schema_path: str) -> str:
    """Return the page as HTML. Everything from the document is escaped."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width,initial-scale=1'>",
        f"<title>{html.escape(info['title'])}</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{html.escape(info['title'])} <small>{html.escape(info['version'])}</small></h1>",
        f"<p>{html.escape(info.get('description', ''))}</p>",
        f"<p>For tools: <a href='{html.escape(schema_path)}'>OpenAPI document</a></p>",
    ]
    for path, operations in document.get("paths", {}).items():
        parts.extend(_operation(path, method, op) for method, op in operations.items())
    parts.append("</main></body></html>")
    return "".join(parts)


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    needs = "API key" if operation.get("security") else "open"
    words = operation.get("description") or operation.get("summary", "")
    answers = "".join(
        f"<dt>{html.escape(status)}</dt><dd>{html.escape(answer.get('description', ''))}</dd>"
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f"<article><h2><b>{method.upper()}</b><code>{html.escape(path)}</code></h2>"
        f"<p>{html.escape(words)} <em>({needs})</em></p>"
        f"<details><summary>Answers</summary><dl>{answers}</dl></details></article>"
    )
