"""The physics room: verbs that put the physics of the ground, and networks informed by it, to work."""
