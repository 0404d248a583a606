"""What is measured besides an edit: looks at states as clusters, levels and patterns, who writes a channel, linear
probes, masks that owe nothing to the channels."""
