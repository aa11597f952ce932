"""Files that a web server or a search engine reads."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as Xml

_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


def sitemap(pages: Iterable[str], site: str, data_as_of: str) -> bytes:
    """``sitemap.xml`` (sitemaps.org 0.9) of the pages below ``site``; their date is that of the data."""
    root = Xml.Element("urlset", {"xmlns": _SITEMAP})
    for name in sorted(pages):
        place = Xml.SubElement(root, "url")
        Xml.SubElement(place, "loc").text = f"{site.rstrip('/')}/{'' if name == 'index.html' else name}"
        if data_as_of:
            Xml.SubElement(place, "lastmod").text = data_as_of
    Xml.indent(root, " ")
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def headers() -> str:
    """``_headers`` as Netlify and Cloudflare Pages read it.

    The policy for content stands in each page, so that it holds on any host; here is what only a header can say.
    """
    everywhere = {
        "Content-Security-Policy": "frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    rules = {
        "/*": everywhere,
        # Names of assets carry a digest of their content.
        "/assets/*": {"Cache-Control": "public, max-age=31536000, immutable"},
        "/*.json": {"Access-Control-Allow-Origin": "*"},
        "/*.csv": {"Access-Control-Allow-Origin": "*"},
        "/*.parquet": {"Access-Control-Allow-Origin": "*"},
        "/badges/*": {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"},
    }
    return "\n".join(
        "\n".join([path, *(f"  {name}: {value}" for name, value in lines.items())]) + "\n"
        for path, lines in rules.items()
    )
