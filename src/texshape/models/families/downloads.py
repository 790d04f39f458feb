"""What a family brings from elsewhere: a package of its own, and weights from a server."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from texshape.errors import InputError, MachineError, UnavailableError, first_line
from texshape.models.families.base import ModelName

# Imported by name are packages of others: none of ours (`texshape.source_code`).
DYNAMIC_IMPORTS = ()


def package(name: ModelName, module: str, *, extra: str = "", pip: str = "") -> Any:
    """The module of a package that a family needs.

    Parameters
    ----------
    name : ModelName
    module : str
    extra : str
        Of texshape, that brings it.
    pip : str
        What pip calls it, where it is not the module's name.

    Raises
    ------
    UnavailableError
        If it is not installed.
    """
    if importlib.util.find_spec(module) is None:
        how = f"pip install 'texshape[{extra}]'" if extra else f"pip install {pip or module}"
        raise UnavailableError(f"model '{name.text}': needs the package {pip or module} ({how})")
    return importlib.import_module(module)


class fetching:
    """Turn whatever a library raises when weights cannot be had into one line.

    Parameters
    ----------
    name : ModelName
    active : bool
        Whether anything is fetched at all.
    hub : bool
        Whether the library asks Hugging Face's hub.
    listed : bool
        Whether the name was found in the library's own list: else the hub may know no such repository.
    """

    def __init__(
        self, name: ModelName, active: bool, *, hub: bool = False, listed: bool = True
    ) -> None:
        self.name, self.active = name, active
        self.hub = active and hub
        self.unchecked = self.hub and not listed

    def __enter__(self) -> None:
        if self.hub:
            from huggingface_hub import constants

            self.was_offline = constants.HF_HUB_OFFLINE
            # asked once; the hub's own client tries each file for half a minute
            constants.HF_HUB_OFFLINE = self.was_offline or not _reachable(constants.ENDPOINT)
            self.offline = constants.HF_HUB_OFFLINE and not self.was_offline

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        unreachable = ""
        if self.hub:
            from huggingface_hub import constants

            constants.HF_HUB_OFFLINE = self.was_offline
            if self.offline:
                unreachable = (
                    f"{constants.ENDPOINT} cannot be reached and they are not in its cache"
                )
        if not self.active or not isinstance(error, Exception):
            return
        if isinstance(error, InputError | MemoryError):
            return
        if self.unchecked and _is_no_repository(error):
            raise InputError(f"model '{self.name.text}': the hub has no such repository") from None
        if any(getattr(one, "errno", None) == errno.ENOSPC for one in _causes(error)):
            raise MachineError(f"model '{self.name.text}': no space left for its weights") from None
        reason = unreachable or first_line(error)
        raise UnavailableError(
            f"model '{self.name.text}': its weights cannot be had ({reason[:200]}); "
            f"name a local file as {self.name.text}@PATH"
        ) from None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised from, as libraries wrap what their clients raise."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _is_no_repository(error: BaseException) -> bool:
    """Whether the hub knows no such name; of a private or gated one it says so too, but for a reason."""
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    return any(
        isinstance(one, RepositoryNotFoundError) and not isinstance(one, GatedRepoError)
        for one in _causes(error)
    )


def _reachable(address: str, timeout: float = 5.0) -> bool:
    """Whether a server answers at all; behind a proxy only the library's own client can tell."""
    if urllib.request.getproxies():
        return True
    parts = urllib.parse.urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname, port), timeout=timeout).close()
    except OSError:
        return False
    return True
