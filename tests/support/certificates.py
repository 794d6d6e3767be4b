"""A private certificate authority for tests, by the `openssl` command."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

_NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost"
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"]


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and who signed it."""

    authority: Path
    cert: Path
    key: Path

    def copied_to(self, folder: Path) -> "Issued":
        """The same in another folder, the key for its owner only."""
        copy = replace(self, **{name: Path(shutil.copy(file, folder)) for name, file in vars(self).items()})
        copy.key.chmod(0o600)
        return copy


class Authority:
    """Signs certificates for this machine."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self.cert = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        self._issued = 0
        subject = ["-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        _openssl("req", "-x509", *_KEY, *subject, "-out", self.cert, "-keyout", self._key)

    def issue(self, *extra: str) -> Issued:
        """A new certificate for 127.0.0.1 and localhost."""
        self._issued += 1
        key, cert = (self._directory / f"{self.cert.stem}-{self._issued}.{each}" for each in ("key", "crt"))
        subject = ["-subj", "/CN=localhost", "-addext", _NAMES, "-addext", "basicConstraints=critical,CA:FALSE"]
        signer = ["-CA", str(self.cert), "-CAkey", str(self._key)]
        _openssl("req", "-x509", *_KEY, *subject, *signer, "-out", cert, "-keyout", key, *extra)
        return Issued(self.cert, cert, key)

    def trusted(self) -> ssl.SSLContext:
        """A client's context that trusts this authority only."""
        return ssl.create_default_context(cafile=self.cert)


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
