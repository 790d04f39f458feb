"""What Zenodo's form of deposition asks for, as `.zenodo.json`.

Names of the fields: https://developers.zenodo.org, "Deposit metadata".
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from texshape.deposit import citation, crate
from texshape.deposit.citation import Work
from texshape.deposit.contents import Contents

NAME = ".zenodo.json"


def metadata(
    found: Contents, cited: Mapping[str, Any], works: Mapping[str, Work]
) -> dict[str, Any]:
    """The fields of the form, for the REST interface or to be copied by hand.

    Parameters
    ----------
    found : Contents
    cited : mapping
        CITATION.cff (`texshape.deposit.citation.read`).
    works : mapping
        Works by the keys that inputs name.
    """
    used = [
        works[key] for key in dict.fromkeys(one.citation for one in found.inputs) if key in works
    ]
    related = [
        {"identifier": work.address, "relation": "cites", "resource_type": "publication-article"}
        for work in used
    ]
    related += [
        {"identifier": address, "relation": "isDerivedFrom", "resource_type": "dataset"}
        for address in dict.fromkeys(one.address for one in found.inputs)
        if address
    ]
    if code := cited.get("repository-code"):
        related.append(
            {"identifier": code, "relation": "isCompiledBy", "resource_type": "software"}
        )
    return {
        "title": crate.title(found),
        "upload_type": "dataset",
        "description": f"<p>{html.escape(crate.description(found))}</p>",
        "creators": [_creator(author) for author in cited["authors"]],
        "access_right": "open",
        "license": cited["license"].lower(),
        "publication_date": crate.date(found),
        "keywords": list(cited.get("keywords") or []),
        "version": str(found.run["packages"].get("texshape") or ""),
        "language": "eng",
        "notes": "<p>An RO-Crate: see ro-crate-metadata.json. texshape verify checks the unpacked archive.</p>",
        "references": [
            f"{work.authors} ({work.year}). {work.title}. {work.address}" for work in used
        ],
        "related_identifiers": related,
    }


def _creator(author: Mapping[str, str]) -> dict[str, str]:
    creator = {"name": citation.name_of(author)}
    if author.get("affiliation"):
        creator["affiliation"] = author["affiliation"]
    if author.get("orcid"):
        creator["orcid"] = author["orcid"].rsplit("/", 1)[-1]
    return creator
