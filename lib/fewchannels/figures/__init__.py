"""What one chapter draws of its study, where plots/ alone does not do: spatial.py, transport.py, level_pattern.py and
models.py each turn Results into the parts of a figure."""
