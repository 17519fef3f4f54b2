"""What a run made, as others find and check it: a STAC catalogue of every product."""
