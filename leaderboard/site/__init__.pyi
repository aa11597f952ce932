from .build import site_sources, write_site
from .checks import check_site, compare_sites
from .exports.datastore import datastore_files
from .releases import write_release
from .serving import Preview

__all__ = [
    "Preview",
    "check_site",
    "compare_sites",
    "datastore_files",
    "site_sources",
    "write_release",
    "write_site",
]
