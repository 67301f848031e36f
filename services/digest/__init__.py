"""The weekly digest: built from an owner's state, set as HTML, text or a mail; it reads no clock and sends nothing."""

from services.digest.build import Numbers, SourceNote, acted_on, build
from services.digest.discreet import discreet
from services.digest.mail import render_email
from services.digest.render import Links, preheader, render_html, render_json, render_text, subject

__all__ = [
    "Links",
    "Numbers",
    "SourceNote",
    "acted_on",
    "build",
    "discreet",
    "preheader",
    "render_email",
    "render_html",
    "render_json",
    "render_text",
    "subject",
]
