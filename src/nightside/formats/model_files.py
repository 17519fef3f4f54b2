"""The files of a trained network, in a folder of its own."""

CARD = "model.json"
"""What the network is, and what it was trained on."""

WEIGHTS = "model.safetensors"
