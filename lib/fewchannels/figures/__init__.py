"""What one chapter draws of its study, where plots/ alone does not do: spatial.py, text_transport.py,
subject_transport.py, level_pattern.py, content_or_gain.py and models.py each turn results into the parts of a
figure."""
