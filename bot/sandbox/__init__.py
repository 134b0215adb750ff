"""Emulators of the platforms on loopback, for tests, the demo and load. Nothing here reaches the network."""
