"""Questions to the results: what is at a place, over a day, in a region, and where the temperature is anomalous."""
