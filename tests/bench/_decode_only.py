"""A floor for the ingest benchmark: the same server with a view that decodes a batch and forgets it."""

from flask import Flask, request

from botwatch_collector.config import Limits
from botwatch_collector.ingest import decode

app = Flask(__name__)
_limits = Limits()


@app.post("/api/events")
def receive() -> dict[str, int]:
    batch = decode.batch(request.get_data(cache=False), request.content_encoding or "", _limits)
    return {"stored": len(batch.events), "duplicates": 0}
