"""What made each result file, and whether that still holds.

``results/EXPERIMENT/records.json`` names every result file with its SHA-256 and the job that made it: rule,
command, parameters, code, inputs with their SHA-256, seeds, device, duration, and the run of the workflow:
commit, uncommitted changes, hash of all parameters, packages. Snakemake's own records say most of it; they
are read when a run ends, so no job does more work. A file whose job has not run since keeps its entry,
hash included: what somebody changes later by hand is found by `verify`.

The file travels with the results. `adopt` gives it back to Snakemake in another folder, file by file, where
the content is what was recorded; so a clone knows what made its results without trusting modification times.
"""
