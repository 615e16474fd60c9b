"""How right are the answers? Cases, measures with intervals, controls, reports and comparisons.

cases, formats        what is asked and what is accepted as an answer
runner                asks the pipeline; an `Outcome` for every case, crashed or not
*_measures, knowing   what an outcome is worth, each measure after its paper
statistics            intervals and paired tests, resampled by cluster
report, compare       what a run says, and whether another run is better
"""
