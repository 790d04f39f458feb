"""An experiment's results as one archive to be published: what is in it, what it says, how it is checked.

An RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) by the profile Process Run Crate 0.5
(https://w3id.org/ro/wfrun/process/0.5), with the metadata that Zenodo's form of deposition takes. Nothing is
uploaded.
"""
