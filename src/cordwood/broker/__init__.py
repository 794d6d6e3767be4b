"""The queue between ingest and worker: `interface` says what a broker promises; `sqlite` and `rabbitmq` keep it."""
