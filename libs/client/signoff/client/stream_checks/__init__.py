"""The contract of Signoff's streams (docs/streaming.md), checked rule by rule against any server."""
