"""The LROC Narrow Angle Camera as an instrument: its pixels, its noise and its geometry. Arrays in, arrays out."""
