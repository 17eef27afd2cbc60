"""DEMO: a realistic closing company, and the whole flow over it. In: a folder and a size. Out: a verified bundle."""
