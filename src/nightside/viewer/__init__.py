"""The web map: what a results folder holds as a catalogue, a server for it, and the page that shows it."""
