"""Events as Parquet files in object storage (deploy/compose/object-storage.env), which goes away and comes back."""

import json
import urllib.parse

from tests.compose.checks import check_bounds
from tests.compose.running import audited, broken, counted, goes_on, running, told
from tests.compose.sender import Sender
from tests.compose.stack import Stack
from tests.support.waiting import wait_until

_IN_THE_BUCKET = """
import tempfile
from pathlib import Path
import duckdb
from obstore.store import S3Store

key, secret = (Path("/run/secrets", name).read_text().strip() for name in ("s3_access_key", "s3_secret_key"))
bucket = S3Store(
    "cordwood", endpoint="http://s3:7070", region="us-east-1", access_key_id=key, secret_access_key=secret,
    virtual_hosted_style_request=False, client_options={"allow_http": True},
)
names = [found["path"] for lot in bucket.list() for found in lot if found["path"].endswith(".parquet")]
with tempfile.TemporaryDirectory() as folder:
    for number, name in enumerate(names):
        Path(folder, f"{number}.parquet").write_bytes(bytes(bucket.get(name).bytes()))
    (events,) = duckdb.execute(
        f"SELECT count(DISTINCT (batch_id, ordinal)) FROM read_parquet('{folder}/*.parquet', union_by_name = true)"
        " WHERE service = 'compose-test'"
    ).fetchone()
print(len(names), events)
"""
"""Without Cordwood: how many files there are, and how many events of the sender's in them. What was merged into larger
files stays for a while, so that events are told apart by their ids."""
_ONCE = "service:compose-test | stats count() as all, count_distinct(n) as different, min(n) as first, max(n) as last"


def run(stack: Stack) -> None:
    with running(stack):
        check_bounds(stack, "s3", may_be_root=True)
        with Sender(stack) as sender:
            for what, breaks in (
                ("a worker is killed", lambda: stack.kill(stack.containers("worker")[0])),
                ("the storage is restarted", lambda: stack.restart(stack.containers("s3")[0])),
                ("an api is killed", lambda: stack.kill(stack.containers("api")[0])),
            ):
                with told(what):
                    broken(sender, breaks)
            with told("the storage is killed, what is sent is taken, and it comes back"):
                with stack.without(*stack.containers("s3")):
                    goes_on(sender, "without storage")
                goes_on(sender, "behind")
        with told(f"all {sender.events:,} accepted events are there once ({sender.retries} requests were sent again)"):
            reconcile(stack, sender)


def reconcile(stack: Stack, sender: Sender) -> None:
    """By the ledger, by the API, and by whoever reads the bucket: each accepted event once, and none beside."""
    wait_until(lambda: counted(stack) >= sender.events, 120, f"{sender.events} events")
    assert counted(stack) == sender.events
    (row,) = json.loads(stack.ask(f"/api/v1/query?query={urllib.parse.quote(_ONCE)}")[1])["rows"]
    assert row == {"all": sender.events, "different": sender.events, "first": 0, "last": sender.events - 1}, row
    assert audited(stack) == sender.events
    assert stack.sql("SELECT count(*) FROM logs") == "0", "rows are not kept"
    status, said = stack.execute("query", "cordwood", "store", "check")
    assert status == 0, said
    status, said = stack.execute("query", "python", "-c", _IN_THE_BUCKET)
    assert status == 0, said
    files, events = map(int, said.split())
    assert files > 0
    assert events == sender.events, said
    print(f"compose-test: the bucket has {files} Parquet files with {events:,} events", flush=True)
