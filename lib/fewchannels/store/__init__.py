"""Compute once, keep, go on after a kill; on one machine or on many.

cells.py is the folder, tasks.py what is done together; running.py carries it out here, processes.py elsewhere by
joblib, and workers.py sends models there.
"""
