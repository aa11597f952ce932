"""The bill of materials of the frozen environment, and whether its licences are known ones.

``python .ci/sbom.py [FILE]`` writes a CycloneDX document of every package in ``.ci/requirements-*.in`` as installed.
It fails on a package of another version than the frozen one, or whose licence is not in the lists below.
"""

import json
import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

HERE = Path(__file__).parent
# Installed by `.ci/setup` beside the frozen files.
TORCH = "torch==2.13.0"
# Licences under which the project may be used together with a package, by a word that names each.
KNOWN = re.compile(
    r"\b(MIT|Apache|BSD|0BSD|ISC|PSF|Python Software Foundation|CNRI|MPL|Mozilla|Unlicense|CC0|LGPL|GNU Lesser"
    r"|BSL-1\.0)",
    re.IGNORECASE,
)
# Whoever passes the project on together with such a package would have to put all of it under its licence.
SPREADING = re.compile(r"\bA?GPL|GNU (Affero )?General", re.IGNORECASE)
_GROUP = re.compile(r"\(([^()]* (?:AND|OR) [^()]*)\)")
# What a package says of itself in no field that can be read, or says as no licence of a list: read in its files.
READ = {
    "intel-cmplr-lib-ur": "Intel End User License Agreement for Developer Tools (redistributable)",
    "intel-openmp": "Intel End User License Agreement for Developer Tools (redistributable)",
}


def frozen() -> dict[str, str]:
    """Version by package name."""
    lines = [line for path in sorted(HERE.glob("requirements-*.in")) for line in path.read_text("utf-8").splitlines()]
    pins = [TORCH, *(line.partition("#")[0].split(";")[0].strip() for line in lines)]
    found: dict[str, str] = {}
    for pin in filter(None, pins):
        name, equals, version = pin.partition("==")
        if not equals or name in found:
            raise SystemExit(f"{pin}: not one exact version, or there twice; write NAME==VERSION once")
        found[name] = version
    return found


def licence(package: Distribution) -> str:
    """What a package says of its licence: the expression, else its classifiers, else its own words."""
    stated = package.metadata
    if expression := stated.get("License-Expression"):
        return str(expression)
    classified = [
        line.rpartition(" :: ")[2]
        for line in stated.get_all("Classifier") or []
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    words = [line.strip() for line in (stated.get("License") or "").splitlines() if line.strip()]
    return " OR ".join(classified) or (words[0][:100] if words else "") or _of_its_file(package)


def acceptable(stated: str) -> bool:
    """Whether one of the licences to choose from (OR) has known parts alone (AND), none of which binds what is used
    beside it."""
    while group := _GROUP.search(stated):
        stated = f"{stated[: group.start()]}{'MIT' if acceptable(group[1]) else 'unknown'}{stated[group.end() :]}"
    return any(all(map(_is_known, choice.split(" AND "))) for choice in stated.split(" OR "))


def _is_known(part: str) -> bool:
    return KNOWN.search(part) is not None and SPREADING.search(part) is None


def _of_its_file(package: Distribution) -> str:
    """The first words of a package's licence file, for one whose fields say nothing."""
    for path in package.files or []:
        if re.match(r"(licen[cs]e|copying)", path.name, re.IGNORECASE):
            lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
            return " ".join(lines[:2])[:100]
    return ""


def component(name: str, version: str) -> dict[str, object]:
    """A package as CycloneDX has it; ``SystemExit`` where it is not the frozen one, or its licence is not known."""
    try:
        package = distribution(name)
    except PackageNotFoundError:
        raise SystemExit(f"{name}: not installed; run .ci/setup") from None
    if package.version.partition("+")[0] != version.partition("+")[0]:
        raise SystemExit(f"{name}: {package.version} is installed, {version} is frozen; run .ci/setup")
    stated = READ.get(name) or licence(package)
    if name not in READ and not acceptable(stated):
        raise SystemExit(
            f"{name}: licence {stated[:60]!r} is in no list of .ci/sbom.py; read it, and add it or leave it"
        )
    return {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{re.sub('[-_.]+', '-', name).lower()}@{version}",
        "licenses": [{"license": {"name": stated}}],
    }


def main() -> None:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "retentionbench"}},
        "components": [component(*pin) for pin in sorted(frozen().items(), key=lambda pin: pin[0].lower())],
    }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
