"""Every preset, walked against a stand-in that behaves as its service does."""
