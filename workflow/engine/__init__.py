"""The durable engine: jobs as rows, carried to worker processes by DBOS, behind one small interface.

    Engine    what everybody may do: submit, list, show, retry, cancel, discard, counts (engine.py; needs no DBOS)
    Worker    what a process that carries jobs does: start, stop (worker.py)

A row of `jobs` is the truth about a job (jobs.py). DBOS carries it, which only carrier.py knows: which worker takes it,
in which order, how many at once. What DBOS stores can be lost at any time; it is made anew from the row.
"""
