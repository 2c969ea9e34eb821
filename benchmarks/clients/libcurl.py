"""libcurl's multi interface without anything around it."""

import io
from typing import Any, BinaryIO

import orjson
import pycurl

from benchmarks.clients.metering import Job, Meter, read_items, write_result

CALL_SECONDS = 120
_HEADERS = ["Content-Type: application/json", "Authorization: Bearer benchmark"]


class _Call:
    """A reusable handle and what arrives on it."""

    def __init__(self, url: str) -> None:
        self.key = ""
        self.reply = io.BytesIO()
        self.curl: Any = pycurl.Curl()
        self.curl.setopt(pycurl.URL, url)
        self.curl.setopt(pycurl.POST, 1)
        self.curl.setopt(pycurl.HTTPHEADER, [*_HEADERS, "Expect:"])
        self.curl.setopt(pycurl.TIMEOUT, CALL_SECONDS)
        self.curl.setopt(pycurl.NOSIGNAL, 1)

    def load(self, key: str, body: bytes) -> None:
        self.key = key
        self.reply = io.BytesIO()
        self.curl.setopt(pycurl.POSTFIELDS, body)
        self.curl.setopt(pycurl.WRITEDATA, self.reply)


def run_libcurl(job: Job, out: BinaryIO) -> None:
    """Send with one loop around libcurl."""
    meter = Meter(warm_calls=0)
    multi: Any = pycurl.CurlMulti()
    calls = {call.curl: call for call in (_Call(job.url) for _ in range(job.in_flight))}
    idle, source, done = list(calls.values()), read_items(job.source), 0
    item = next(source, None)
    while item is not None or len(idle) < job.in_flight:
        while idle and item is not None:
            call = idle.pop()
            call.load(item[0], orjson.dumps(item[1]))
            multi.add_handle(call.curl)
            item = next(source, None)
        multi.perform()
        finished = _finished(multi)
        for curl in finished:
            call = calls[curl]
            status = curl.getinfo(pycurl.RESPONSE_CODE)
            write_result(out, call.key, status, orjson.loads(call.reply.getvalue()))
            multi.remove_handle(curl)
            idle.append(call)
        done += len(finished)
        if not finished:
            multi.select(1.0)
    out.flush()
    meter.report(done)


def _finished(multi: Any) -> list[Any]:
    found: list[Any] = []
    queued = 1
    while queued:
        queued, good, bad = multi.info_read()
        if bad:
            raise RuntimeError(f"libcurl: {bad[0][2]}")
        found += good
    return found
