"""Pictures to numbers: judges (what a network sees), readers (what a study keeps of it), and the worlds that say what
a picture should show."""
