"""The jail of a function process: which one works here, and the folders in which it may write."""

from __future__ import annotations

import os
import pwd
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundhog import temporary
from groundhog._log import log
from groundhog.config import Jail, Network
from groundhog.errors import ConfigError, SpawnError, UnsupportedError
from groundhog.removal import remove

if TYPE_CHECKING:
    from collections.abc import Mapping

    from groundhog.config import Function, Limits
    from groundhog.runners.command import Command

_SHARED_SCRATCH = ("/tmp", "/var/tmp")  # noqa: S108 - laid over, not written


def machine() -> Mapping[str, Any]:
    """What this machine allows; see `groundhog.capabilities`. A pool of fakes does without the engine."""
    from groundhog._core import capabilities

    return capabilities()


def choose(jail: Jail, found: Mapping[str, Any], network: Network = Network.HOST) -> str | None:
    """What a process is to be shut in by; None: nothing. ``found``: see `groundhog.capabilities`.

    Raises UnsupportedError when what was asked for does not work here: nothing less is put in its place.
    """
    if network is Network.NONE:
        means = choose(Jail.NAMESPACE, found)
        refusal = found["networks"][network.value]
        if refusal is not None:
            raise UnsupportedError(
                f"no function can have a network of its own on this machine: {refusal}; see `groundhog"
                " doctor`, or choose --network host: functions then reach what the machine reaches"
            )
        return means
    if jail is Jail.NONE:
        return None
    refusals: Mapping[str, str | None] = found["jails"]
    if jail is Jail.AUTO:
        if found["preferred_jail"] is None:
            reasons = "; ".join(str(refusal) for refusal in refusals.values())
            raise UnsupportedError(
                f"no jail for functions works on this machine ({reasons}); see `groundhog doctor`, or choose"
                " --jail none: functions then leave the files that they write to later requests"
            )
        return str(found["preferred_jail"])
    refusal = refusals[jail.value]
    if refusal is not None:
        raise UnsupportedError(f"the jail {jail} does not work on this machine: {refusal}")
    return str(jail)


def ids_of(uid: int | None) -> tuple[int, int] | None:
    """The user that a process becomes, and its group; None: it stays what it is.

    Raises ConfigError when we may not become that user.
    """
    if uid is None or uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise ConfigError(
            f"only root can run a function as another user: start as root, or without uid {uid}"
        )
    try:
        return uid, pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid, uid


@dataclass(frozen=True, slots=True)
class Cell:
    """What the jail of one process needs: arguments for the engine, variables for the process."""

    arguments: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    scratch: Path | None = None
    """What its folder lies in: nobody can learn here how that is called."""

    def clear(self) -> None:
        """Remove what the process has written."""
        if self.scratch is not None:
            remove(self.scratch)


@dataclass(frozen=True, slots=True)
class Confinement:
    """The jail of all processes of a function."""

    means: str | None = None
    """``namespace``, ``landlock`` or nothing."""
    private: tuple[str, ...] = ()
    """Folders of the machine that private ones are laid over, by namespaces."""
    ids: tuple[int, int] | None = None
    most_written: tuple[int, int] = (0, 0)
    """Bytes and files."""
    network: Network = Network.HOST
    _left_out: set[Path] = field(default_factory=set, init=False, compare=False, repr=False)
    """Folders of which the log says that they cannot be private."""

    @classmethod
    def of(
        cls,
        function: Function,
        command: Command,
        limits: Limits,
        means: str | None,
        uid: int | None,
        network: Network = Network.HOST,
    ) -> Confinement:
        """What a function needs to run as ever: its directory, its home, the folders for scratch files."""
        ids = ids_of(uid)
        env = command.env
        folders = [*_SHARED_SCRATCH, env.get("TMPDIR"), env.get("HOME"), command.cwd]
        if function.path is not None:
            folders.append(str(function.path.parent))
        private = tuple(dict.fromkeys(folder for folder in folders if folder))
        return cls(means, private, ids, (limits.scratch_bytes, limits.scratch_files), network)

    def cell(self) -> Cell:
        """The jail of a new process."""
        ids = {} if self.ids is None else {"ids": self.ids}
        if self.means is None:
            return Cell(ids)
        if self.means == Jail.NAMESPACE.value:
            self._tell_what_is_read_only()
            arguments = {
                "jail": self.means,
                "private": self.private,
                "most_written": self.most_written,
                "network": self.network.value,
            }
            return Cell({**arguments, **ids})
        try:
            scratch, folder = self._scratch()
        except OSError as error:
            raise SpawnError(
                f"no private folder for a function process can be made: {error}; it is made where TMPDIR of"
                " the supervisor says"
            ) from None
        return Cell({"jail": self.means, "private": (str(folder),), **ids}, {"TMPDIR": str(folder)}, scratch)

    def _tell_what_is_read_only(self) -> None:
        """Say once in the log of which folders the engine makes no private ones."""
        from groundhog._core import mounted_below

        asked = [folder for folder in self.private if Path(folder) not in self._left_out]
        for folder, mounted in mounted_below(asked):
            self._left_out.add(folder)
            if folder.resolve() != Path("/"):  # never a private one
                log.warning(
                    "functions cannot write to a folder below which something is mounted: it is read-only",
                    path=str(folder),
                    mounted=str(mounted),
                )

    def _scratch(self) -> tuple[Path, Path]:
        """A new folder that nobody can list, and in it the one in which a process writes."""
        scratch = temporary.folder("scratch")
        try:
            scratch = scratch.resolve()
            folder = scratch / secrets.token_hex(8)
            folder.mkdir(0o700)
            if self.ids is not None:
                os.chown(folder, *self.ids)
            # Landlock lets a function read what its user may, other processes' folders among it. So it may
            # enter this one, but not list it: not even as its owner, since in this jail it cannot change
            # permissions.
            scratch.chmod(0o111)
        except BaseException:  # or a signal ends us
            remove(scratch)
            raise
        return scratch, folder


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What a pool was asked to keep its functions from; what would not be applied is an error."""

    jail: Jail
    network: Network
    uid: int | None
    unconfined: str | None
    """The engine that makes no jails, if it is such a one."""

    @classmethod
    def of(cls, jail: Jail | str, network: Network | str, uid: int | None, engine: object) -> Restrictions:
        """Raises ConfigError when they do not go together, or the engine would leave them aside.

        ``engine``: see `groundhog.worker.engine.Engine`; None: the compiled one.
        """
        jail, network = Jail.parse(jail), Network.parse(network)
        if network is Network.NONE and jail not in {Jail.AUTO, Jail.NAMESPACE}:
            raise ConfigError(
                f"network {network} needs the jail {Jail.NAMESPACE}, not {jail}, where functions have the"
                " machine's network: choose --jail namespace, or --network host"
            )
        # What is not known of an engine must not let a function out.
        unconfined = None if getattr(engine, "shuts_in", True) else type(engine).__name__
        wanted = {
            "jail": None if jail in {Jail.AUTO, Jail.NONE} else jail,
            "network": None if network is Network.HOST else network,
            "uid": uid,
        }
        asked = ", ".join(f"{name} {value}" for name, value in wanted.items() if value is not None)
        if asked and unconfined:
            raise ConfigError(
                f"the engine {unconfined} does not apply {asked}: leave that out, or take groundhog.Tracee"
            )
        return cls(jail, network, uid, unconfined)

    def confinement(self, function: Function, command: Command, limits: Limits) -> Confinement:
        """The jail that a function gets on this machine.

        Raises UnsupportedError when the machine does not allow it, ConfigError when we are not.
        """
        means = None
        if self.unconfined:
            log.warning("its engine shuts no function in: it is for tests", engine=self.unconfined)
        else:
            found = machine()
            means = choose(self.jail, found, self.network)
            if self.jail is Jail.AUTO and means != Jail.NAMESPACE.value:
                log.warning(
                    f"the jail {Jail.NAMESPACE} does not work here: functions get the jail {means}, which"
                    " does less; see groundhog doctor",
                    why=found["jails"][Jail.NAMESPACE.value],
                )
        return Confinement.of(function, command, limits, means, self.uid, self.network)
