"""What makes the log a proof: reading it as of any moment, verifying it, sealing it, taking it away.

Rooms: `life` (an execution as of an event, what changed, its life as text), `verify` (chain, versions, fold,
topic, checkpoints), `checkpoints` (the signed heads), `export` (JSON Lines, Parquet, bundles).
"""
