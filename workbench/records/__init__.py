"""RECORDS: executed notebooks in, inert pages, a bundle and its verification out."""
