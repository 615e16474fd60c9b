"""Training of the reader: a small cross-encoder that finds the answer in a passage, or says that there is
none.

`python -m rag.training run --data ... --base ... --output ...` makes the examples, trains, evaluates on
articles that were never trained on, and writes the artefact. Needs the extra `train` (torch); nothing else
of the product imports it.
"""
