"""The experiments, one question each: `scenarios.bench.experiment` says what such a module holds."""
