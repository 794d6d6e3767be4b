"""A private Ceph Object Gateway: an S3 server that people run in production, with a monitor and a disk of memory.

`Server.url` is http://KEY:SECRET@HOST:PORT/BUCKET; the bucket is there once it has started.
"""

import hashlib
import hmac
import os
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tests.support.servers import Server, find, free_port

_KEY, _SECRET, _BUCKET = "cordwoodtests", "cordwoodsecret", "cordwood"
_OSD_PORTS = (30_000, 32_700)
"""It takes free ones among these."""


class Ceph(Server):
    """It keeps nothing over a `kill`. Loses no request that it has answered."""

    name = "ceph"
    image, image_port, image_data = "quay.io/ceph/demo:latest", 8080, "/var/lib/ceph"
    image_env = (
        "MON_IP=127.0.0.1",
        "CEPH_PUBLIC_NETWORK=127.0.0.0/8",
        "DEMO_DAEMONS=osd,rgw",
        "RGW_FRONTEND_PORT=8080",
        "CEPH_DEMO_UID=test",
        f"CEPH_DEMO_ACCESS_KEY={_KEY}",
        f"CEPH_DEMO_SECRET_KEY={_SECRET}",
    )

    @classmethod
    def binary(cls) -> Path | None:
        return find("radosgw") if find("ceph-mon") and find("ceph-osd") else None

    @property
    def url(self) -> str:
        return f"http://{_KEY}:{_SECRET}@127.0.0.1:{self.port}/{_BUCKET}"

    def command(self) -> tuple[list[str], dict[str, str]]:
        run = self.directory / f"run-{uuid.uuid4().hex[:8]}"
        run.mkdir()
        fsid, osd, monitor = uuid.uuid4(), uuid.uuid4(), f"v2:127.0.0.1:{free_port()}"
        conf = run / "ceph.conf"
        settings = {
            "fsid": fsid,
            "mon host": f"[{monitor}]",
            "mon initial members": "a",
            "keyring": run / "keyring",
            "run dir": run,
            "admin socket": "",
            "log file": run / "$name.log",
            "pid file": "",
            "mon data": run / "mon",
            "osd data": run / "osd",
            "osd objectstore": "memstore",
            "memstore device bytes": 4 << 30,
            "osd pool default size": 1,
            "osd pool default min size": 1,
            "osd pool default pg num": 1,
            "osd pool default pg autoscale mode": "off",
            "osd crush chooseleaf type": 0,
            "mon allow pool size one": "true",
            "paxos propose interval": 0.01,
            "paxos min wait": 0.01,
            "public addr": "127.0.0.1",
            "cluster addr": "127.0.0.1",
            "ms bind msgr1": "false",
            "ms bind port min": _OSD_PORTS[0],
            "ms bind port max": _OSD_PORTS[1],
            "rgw frontends": f"beast endpoint=127.0.0.1:{self.port} tcp_nodelay=1",
            "rgw data": run / "rgw",
            "rgw thread pool size": 64,
        }
        conf.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items()))
        monitor_caps, all_caps = '--cap mon "allow *"', '--cap mon "allow *" --cap osd "allow *"'
        script = f"""
            set -e
            ceph-authtool -C keyring --gen-key -n mon. {monitor_caps}
            ceph-authtool keyring --gen-key -n client.admin {all_caps} --cap mgr "allow *"
            ceph-authtool keyring --gen-key -n osd.0 --cap mon "allow profile osd" --cap osd "allow *"
            monmaptool --create --fsid {fsid} --addv a "[{monitor}]" monmap
            ceph-mon --mkfs -i a --monmap monmap --keyring keyring
            ceph-mon -i a -f &
            ceph --connect-timeout 30 osd new {osd}
            mkdir osd
            ceph-osd -i 0 --mkfs --osd-uuid {osd}
            ceph-osd -i 0 -f &
            radosgw-admin user create --uid test --display-name test --access-key {_KEY} --secret {_SECRET}
            exec radosgw -n client.admin -f
        """
        return ["sh", "-c", f'cd "{run}"\n{script}'], {**os.environ, "CEPH_CONF": str(conf)}

    def accepts(self) -> bool:
        try:
            make_bucket(self.url)
        except (URLError, OSError):
            return False
        return True


def make_bucket(url: str) -> None:
    """Make the bucket of a `Server.url`, unless it is there. AWS Signature Version 4, as Amazon's guide has it."""
    parts = urlsplit(url)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    nothing = hashlib.sha256(b"").hexdigest()
    host = f"{parts.hostname}:{parts.port}"
    headers = {"host": host, "x-amz-content-sha256": nothing, "x-amz-date": moment}
    signed = ";".join(headers)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    request = "\n".join(["PUT", parts.path, "", *lines, "", signed, nothing])
    scope = [moment[:8], "us-east-1", "s3", "aws4_request"]
    text = "\n".join(["AWS4-HMAC-SHA256", moment, "/".join(scope), hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{parts.password}".encode()
    for each in scope:
        key = hmac.new(key, each.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={parts.username}/{'/'.join(scope)}, SignedHeaders={signed}, Signature={signature}"
    )
    with urlopen(Request(f"http://{host}{parts.path}", headers=headers, method="PUT"), timeout=10):
        pass
