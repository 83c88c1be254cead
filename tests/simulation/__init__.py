"""The proof of the verdicts: test sets are drawn from known populations and judged.

    python -m tests.simulation --replications 20000 --readme

`populations` says where test sets come from, `scenarios` which populations are judged by which
gates, and `measuring` how often what the product says of them is right.
"""
