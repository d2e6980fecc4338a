"""The collector: stores what agents send, and shows it as pages, a JSON API, a stream and metrics."""
