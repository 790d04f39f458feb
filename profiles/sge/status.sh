#!/usr/bin/env bash
# What became of a job of Grid Engine, in the one word that Snakemake expects. While it waits or runs qstat
# knows it, then qacct does, on some sites only a minute later.
set -u
for _ in $(seq 12); do
    if found=$(qstat -j "$1" 2> /dev/null); then
        # A job in the state of error waits for ever.
        case $found in *"error reason"*) qdel "$1" > /dev/null 2>&1; echo failed ;; *) echo running ;; esac
        exit
    fi
    if found=$(qacct -j "$1" 2> /dev/null); then
        awk '$1 == "failed" && $2 != 0 { bad = 1 } $1 == "exit_status" && $2 != 0 { bad = 1 }
             END { print (bad ? "failed" : "success") }' <<< "$found"
        exit
    fi
    sleep "${TEXSHAPE_SGE_WAIT:-5}"
done
echo failed
