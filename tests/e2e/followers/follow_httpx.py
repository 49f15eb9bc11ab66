"""Follows a stream with httpx-sse: python follow_httpx.py URL KEY. Writes each event's data as a line."""

import sys
import time

import httpx
from httpx_sse import connect_sse

url, key = sys.argv[1:]
last, pause = "", 1.0
with httpx.Client(timeout=45) as client:
    while True:
        headers = {"X-API-Key": key} | ({"Last-Event-ID": last} if last else {})
        try:
            with connect_sse(client, "GET", url, headers=headers) as stream:
                if stream.response.status_code == 204:
                    break
                stream.response.raise_for_status()
                for event in stream.iter_sse():
                    last = event.id or last
                    pause = pause if event.retry is None else event.retry / 1000
                    if event.data:
                        print(event.data, flush=True)
        except httpx.TransportError as error:
            print(f"{error!r}: once more", file=sys.stderr)
        time.sleep(pause)
