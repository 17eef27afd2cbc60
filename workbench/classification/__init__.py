"""CLASSIFICATION: kernel(RecordBatch) -> partial, merge(partials), finish -> Findings."""
