"""Which account runs the private PostgreSQL, and folders that account can reach.

PostgreSQL refuses to run as root, so as root it gets an account of its own, which must
be able to reach data and programs. Where it cannot (a clone in ``/root``, say) they
move to ``/var/tmp`` instead: no folder of the user's is ever opened to others.
"""

import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

from devtools import processes
from devtools.processes import Account
from devtools.say import Trouble

SERVER_ACCOUNT = "pgserver"
PROGRAMS = "pginstall18"
_POSTGRES = Path(PROGRAMS, "bin", "postgres")
_POINTER = "moved-to"


def server_account(home: Path) -> Account | None:
    """Return the account to switch to, or None where we are not root.

    Under ``sudo`` that is whoever owns the folder, else an account made for this.
    """
    if os.geteuid() != 0:
        return None
    owner = home.parent.stat().st_uid
    if owner != 0:
        try:
            entry = pwd.getpwuid(owner)
        except KeyError:
            pass  # a number without a name, which PostgreSQL refuses
        else:
            return Account(entry.pw_uid, entry.pw_gid)
    try:
        entry = pwd.getpwnam(SERVER_ACCOUNT)
    except KeyError:
        _make_account()
        entry = pwd.getpwnam(SERVER_ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)


def _make_account() -> None:
    command = ["useradd", "--system", "--no-create-home", SERVER_ACCOUNT]
    try:
        processes.run([*command, "--shell", "/usr/sbin/nologin"], what="useradd")
    except FileNotFoundError as error:
        raise Trouble(
            "PostgreSQL does not run as root and useradd is missing; "
            "run this as another user, or set DATABASE_URL."
        ) from error


def settle(home: Path, account: Account | None) -> Path:
    """Return the folder for the server's files: ``home``, or what stands in for it."""
    if _can_reach(home, account):
        make_private(home, account)
        return home
    base = _stand_in(home) / "server"
    make_private(base, account)
    return base


def usable_programs(package: Path, home: Path, account: Account | None) -> Path:
    """Return the wheel's package where the account can run it, copied if need be."""
    if account is None or _can_run(package / _POSTGRES, account):
        return package
    folder = _stand_in(home) / "programs"
    if not folder.exists():
        half = folder.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        # The programs look for their libraries in this place beside them.
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, half / libraries.name, symlinks=True)
        installed = Path(package.name) / PROGRAMS
        shutil.copytree(package / PROGRAMS, half / installed, symlinks=True)
        _open_to_all(half)
        half.rename(folder)
    return folder / package.name


def make_private(folder: Path, account: Account | None) -> None:
    """Make ``folder`` the account's own, closed to others.

    Raises:
        Trouble: it belongs to somebody else.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.lstat()
    ours = {os.geteuid(), account.uid if account else os.geteuid()}
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid not in ours:
        raise Trouble(f"{folder} belongs to somebody else; remove it or set VAR_DIR.")
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def _can_reach(path: Path, account: Account | None) -> bool:
    """Tell whether the account may walk down to ``path``."""
    if account is None:
        return True
    for folder in path.parents:
        found = folder.stat()
        needed = stat.S_IXUSR if found.st_uid == account.uid else stat.S_IXOTH
        if not found.st_mode & needed:
            return False
    return True


def _can_run(program: Path, account: Account) -> bool:
    open_to_all = stat.S_IROTH | stat.S_IXOTH
    is_open = program.stat().st_mode & open_to_all == open_to_all
    return is_open and _can_reach(program, account)


def _stand_in(home: Path) -> Path:
    """Return the folder that ``home`` points at, making one the first time."""
    pointer = home / _POINTER
    if pointer.exists():
        folder = Path(pointer.read_text().strip())
        if folder.is_dir() and folder.lstat().st_uid == os.geteuid():
            return folder
    folder = Path(tempfile.mkdtemp(prefix="batchrouter-postgres-", dir="/var/tmp"))
    folder.chmod(0o711)
    pointer.write_text(f"{folder}\n")
    return folder


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
