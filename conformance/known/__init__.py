"""Known deviations, and which plug-ins take part."""
