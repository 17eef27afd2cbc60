"""SOURCES: databases and files as tables of Arrow batches. In: a SourceSpec or a location. Out: a Source."""
