"""Turns HTML mail into the plain lines its writer would have typed; quoted parts become lines that begin with `>`.

It never fetches, and never trusts the nesting it is given.
"""

import re
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

QUOTE_LINE = "> …"
FORWARD_LINE = "-----Original Message-----"

# Formatting elements say nothing here, and the adoption rules of HTML parsing multiply unclosed ones at each new
# paragraph: 12 KB of them become 8 MB of tree (HTML Living Standard 13.2.4.3).
_FORMATTING = re.compile(
    r"</?(?:a|b|big|code|em|font|i|nobr|o:p|s|small|span|strike|strong|tt|u|ins|del|sup|sub|mark|center)\b[^<>]*>",
    re.IGNORECASE,
)
_UNSEEN = "script, style, head, title, noscript, template, svg, [hidden], select"
_QUOTED = "blockquote[type=cite], blockquote.gmail_quote, .yahoo_quoted, .protonmail_quote, .zmail_extra"
_ATTRIBUTIONS = ".gmail_attr, .moz-cite-prefix"
_REST_IS_QUOTED = (
    "#appendonsend, #divRplyFwdMsg, #mail-editor-reference-message-container, .OutlookMessageHeader"
)
_OUTLOOK_BORDER = "div[style*='border-top:solid'], div[style*='border-top: 1pt solid'], hr#stopSpelling"
_SIGNATURES = ".gmail_signature, .moz-signature, #Signature"
_BLOCK_ENDS = re.compile(
    r"<(?:br|hr)[^<>]*>|</(?:p|div|li|tr|h[1-6]|ul|ol|table|pre|section|article|header|footer|dt|dd|blockquote)>",
    re.IGNORECASE,
)
_BLOCK_STARTS = re.compile(r"<(?:p|div|ul|ol|table|h[1-6]|pre|blockquote)\b[^<>]*>", re.IGNORECASE)
_BLOCKQUOTES = 20
"""So many are looked at; who quotes more marks them."""
_BULLET = re.compile(r"<li\b[^<>]*>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAG = re.compile(r'<!--.*?-->|<[^<>"]*(?:"[^"]*"[^<>"]*)*>', re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n\f]+")
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|font-size\s*:\s*0|visibility\s*:\s*hidden)", re.IGNORECASE)
_INDENTS = re.compile(r" *\n *")


def text_from_html(html: str) -> str:
    """The visible text, a line a block; each quoted block is one line `> …`, an unmarked quote ends in a ruler."""
    tree = LexborHTMLParser(_FORMATTING.sub("", html.replace("\0", "")))
    body = tree.body
    if body is None:
        return ""
    for node in tree.css(_UNSEEN):
        node.decompose()
    for node in tree.css("[style]"):
        if _HIDDEN_STYLE.search(node.attributes.get("style") or ""):
            node.decompose()
    for node in tree.css("div.gmail_quote"):
        _open_gmail_quote(node)
    _replace(tree, _ATTRIBUTIONS, "\n")
    _replace(tree, _REST_IS_QUOTED, f"\n{FORWARD_LINE}\n")
    _replace(tree, _OUTLOOK_BORDER, f"\n{FORWARD_LINE}\n")
    _replace(tree, _QUOTED, f"\n{QUOTE_LINE}\n")
    for node in tree.css("blockquote")[:_BLOCKQUOTES]:
        if node.parent is not None and _follows_attribution(node):
            node.replace_with(f"\n{QUOTE_LINE}\n")
    for node in tree.css(_SIGNATURES):
        node.insert_before("\n-- \n")
    return _lines(body.html or "")


def _open_gmail_quote(node: LexborNode) -> None:
    # Gmail puts answers between quotes inside the quote's own div; a forward has no blockquote at all.
    if node.css_first("blockquote") is None:
        node.replace_with(f"\n{FORWARD_LINE}\n")


def _follows_attribution(node: LexborNode) -> bool:
    """Whether the text right before a block ends in a colon: some clients mark a quote with nothing else."""
    before = node.prev
    while before is not None and not before.text().strip():
        before = before.prev
    return before is not None and before.text().rstrip().endswith((":", "："))


def _replace(tree: LexborHTMLParser, selector: str, text: str) -> None:
    for node in tree.css(selector):
        if node.parent is not None:
            node.replace_with(text)


def _lines(html: str) -> str:
    # The placed lines hold their own newlines; all other white space folds (CSS 2.1 16.6.1).
    marked = html.replace(f"\n{FORWARD_LINE}\n", "<br>\x01<br>").replace("\n-- \n", "<br>\x02<br>")
    marked = marked.replace(f"\n{QUOTE_LINE.replace('>', '&gt;')}\n", "<br>\x03<br>")
    text = _SPACE.sub(" ", marked)
    text = _BLOCK_ENDS.sub("\n", text)
    text = _BLOCK_STARTS.sub("\n", text)
    text = _BULLET.sub("\n- ", text)
    text = _CELL.sub(" ", text)
    text = unescape(_TAG.sub("", text)).replace("\xa0", " ")
    text = _INDENTS.sub("\n", text)
    return text.replace("\x01", FORWARD_LINE).replace("\x02", "-- ").replace("\x03", QUOTE_LINE)
