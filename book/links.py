"""Carries the repository's address from [project.urls] in pyproject.toml to wherever else it stands.

    python book/links.py                     rewrite notebooks, _config.yml, README, ... (`make links`)
    python book/links.py --repository URL    rewrite those, and pyproject.toml too
    python book/links.py --check             say what differs, change nothing

So a fork's Colab buttons open the fork's notebooks: the publishing workflow passes its own address. Only addresses in
one of the forms below are ours to change; a link to somebody else's repository is left alone.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWNER_NAME = r"[\w.-]+/[\w.-]+?"
END = r"(?=\.git\b|[/\"'\s)>#@\\]|$)"

# The forms in which an address of ours stands; the group `ours` is what is rewritten.
ANYWHERE = (
    re.compile(rf"colab\.research\.google\.com/github/(?P<ours>{OWNER_NAME})(?=/(?:blob|tree)/)"),
    re.compile(rf"git\+https://github\.com/(?P<ours>{OWNER_NAME}){END}"),
    re.compile(rf"//github\.com/(?P<ours>{OWNER_NAME})(?=/(?:blob/main/CONTRIBUTING\.md|issues/new/choose))"),
)
# These only in our own papers: prose pages may show how to clone somebody else's work.
IN_OURS = (
    *ANYWHERE,
    re.compile(rf"git clone https://github\.com/(?P<ours>{OWNER_NAME}){END}", re.MULTILINE),
    re.compile(
        rf"^(?:  url|repository-code|\[(?:repository|issues)\]): [\"']?https://github\.com/(?P<ours>{OWNER_NAME}){END}",
        re.MULTILINE,
    ),
)
SITE = re.compile(r"^(?P<key>\[site\]|url): (?P<quote>[\"']?)https://[\w-]+\.github\.io/[\w.-]+/", re.MULTILINE)
# A chapter's page, which its notebook names.
PAGE = re.compile(r"https://[\w-]+\.github\.io/[\w.-]+/(?=notebooks/\d\d_)")

OURS = ("_config.yml", "CITATION.cff", "README.md", "CONTRIBUTING.md", "notebooks/*.ipynb")
PROSE = ("book/*.md",)


@dataclass(frozen=True)
class Address:
    """A repository on GitHub: owner and name."""

    owner: str
    name: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """From https://github.com/OWNER/NAME, with or without .git or a slash at its end."""
        match = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?", url.strip())
        if not match:
            raise SystemExit(f"{url!r}: expected an address such as https://github.com/OWNER/NAME")
        return cls(*match.groups())

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def url(self) -> str:
        return f"https://github.com/{self.path}"

    @property
    def site(self) -> str:
        """Where GitHub Pages serves it."""
        return f"https://{self.owner.lower()}.github.io/{self.name}/"


def declared() -> Address:
    """The address that [project.urls] names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return Address.parse(project["urls"]["Repository"])


def rewritten(text: str, address: Address, forms=IN_OURS) -> str:
    """`text` with every address of ours replaced by `address`."""
    for form in forms:
        text = form.sub(lambda match: match[0].replace(match["ours"], address.path), text)
    if forms is IN_OURS:
        text = SITE.sub(lambda match: f"{match['key']}: {match['quote']}{address.site}", text)
        text = PAGE.sub(address.site, text)
    return text


def files():
    """Pairs of a file and the forms that are ours in it."""
    for globs, forms in ((OURS, IN_OURS), (PROSE, ANYWHERE)):
        for glob in globs:
            for file in sorted(ROOT.glob(glob)):
                yield file, forms


def set_declared(address: Address) -> None:
    """Write `address` into [project.urls]."""
    file = ROOT / "pyproject.toml"
    text = file.read_text(encoding="utf-8")
    for key, value in (
        ("Repository", address.url),
        ("Documentation", address.site),
        ("Issues", address.url + "/issues"),
    ):
        text = re.sub(rf'^{key} = ".*"$', f'{key} = "{value}"', text, flags=re.MULTILINE)
    file.write_text(text, encoding="utf-8", newline="\n")


def differing() -> list[Path]:
    """Files in which an address of ours is not the declared one."""
    address = declared()
    found = []
    for file, forms in files():
        text = file.read_text(encoding="utf-8")
        if rewritten(text, address, forms) != text:
            found.append(file)
    return found


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", help="take this address, and write it into pyproject.toml as well")
    parser.add_argument("--check", action="store_true", help="change nothing; fail where an address differs")
    options = parser.parse_args(argv)
    if options.repository and not options.check:
        set_declared(Address.parse(options.repository))
    wrong = differing()
    if options.check:
        for file in wrong:
            print(
                f"{file.relative_to(ROOT)}: not the address of [project.urls]; `make links` mends it", file=sys.stderr
            )
        return 1 if wrong else 0
    for file, forms in files():
        if file in wrong:
            text = rewritten(file.read_text(encoding="utf-8"), declared(), forms)
            file.write_text(text, encoding="utf-8", newline="\n")
            print(f"{file.relative_to(ROOT)}: addresses set to {declared().url}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
