"""A file for each function; each is loaded by itself, as a user's would be.

Their names begin with ``run_``: the folder of a function is searched for what it imports, as ``logging`` is.
"""
