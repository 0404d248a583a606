"""Channel statistics of many prompts (statistics.py), what chapter 1 says of them (survey.py), a recording for the
explorer (recording.py), and run files of several models side by side (contributed.py)."""
