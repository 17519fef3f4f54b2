"""NAC images of the dark: from the archive's bytes to clean, georeferenced mosaics."""
