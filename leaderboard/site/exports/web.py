"""Files that a web server or a search engine reads."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as Xml

# The folder of pages that other sites show in a frame.
EMBED = "embed/"
# What a server sends for an address that leads nowhere.
NOT_FOUND = "404.html"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


def page_address(site: str, name: str) -> str:
    """The one address of a page or file by its path below ``site``; that of the index is the folder's."""
    return f"{site.rstrip('/')}/{'' if name == 'index.html' else name}"


def robots(site: str | None) -> str:
    """``robots.txt`` (RFC 9309): all may be read; pages that are not for searches say so themselves."""
    listed = "" if site is None else f"\nSitemap: {page_address(site, 'sitemap.xml')}\n"
    return f"User-agent: *\nDisallow:\n{listed}"


def sitemap(pages: Iterable[str], site: str, data_as_of: str) -> bytes:
    """``sitemap.xml`` (sitemaps.org 0.9) of the pages below ``site``; their date is that of the data."""
    root = Xml.Element("urlset", {"xmlns": _SITEMAP})
    for name in sorted(page for page in pages if not page.startswith(EMBED) and page != NOT_FOUND):
        place = Xml.SubElement(root, "url")
        Xml.SubElement(place, "loc").text = page_address(site, name)
        if data_as_of:
            Xml.SubElement(place, "lastmod").text = data_as_of
    Xml.indent(root, " ")
    return bytes(Xml.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def headers(pages: Iterable[str]) -> str:
    """``_headers`` as Netlify and Cloudflare Pages read it.

    The policy for content stands in each page, so that it holds on any host; here is what only a header can say.
    ``pages`` other than those of ``embed/`` may not stand in a frame. They are named one by one or by folder: where
    two rules set one header the stricter holds, so that a rule for all would be one for ``embed/`` too.
    """
    everywhere = {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    open_data = {"Access-Control-Allow-Origin": "*"}
    framed = {"Content-Security-Policy": "frame-ancestors 'none'"}
    rules = {
        "/*": everywhere,
        "/": framed,
        **dict.fromkeys(sorted({_place(page) for page in pages if not page.startswith(EMBED)}), framed),
        f"/{EMBED}*": {"Content-Security-Policy": "frame-ancestors *", **open_data},
        # Names of assets carry a digest of their content.
        "/assets/*": {"Cache-Control": "public, max-age=31536000, immutable"},
        "/*.json": open_data,
        "/*.csv": open_data,
        "/*.parquet": open_data,
        "/badges/*": {**open_data, "Cache-Control": "public, max-age=3600"},
    }
    return "\n".join(
        "\n".join([path, *(f"  {name}: {value}" for name, value in lines.items())]) + "\n"
        for path, lines in rules.items()
    )


def _place(page: str) -> str:
    folder, _, name = page.partition("/")
    return f"/{folder}/*" if name else f"/{folder}"
