"""What a bundle says to people who open it."""

from typing import Final

_TEXT: Final = """\
This is the record of one execution of a workflow, as Signoff kept it.

  execution  {execution}
  workflow   {workflow}

executions/<log>/events.jsonl       what happened: a line of JSON for each event, its very bytes. Every event
                                    carries, as "prev", the SHA-256 (base64) of the line before it.
executions/<log>/definitions.jsonl  the versions of the workflow that ran, as they were deployed
executions/<log>/proof.json         that a signed checkpoint of the whole log commits to these events
values/<sha256>                     large values that events name, by the SHA-256 of their bytes
schemas/                            what events mean, as JSON Schema
keys.json                           the public keys of the server (JWKS, RFC 7517)
manifest.json                       all files with their SHA-256, and where each execution stood
manifest.jws                        the signature over manifest.json: a detached JWS (RFC 7515, appendix F)

To check all of it without network or database:

  signoff audit verify FILE --keys KEYS

KEYS is a copy of the server's public keys that you got from elsewhere than this file (GET
/api/checkpoints/keys): whoever makes a bundle up can put a key of their own into it. Without --keys only
that the bundle agrees with itself is checked.

With nothing but common tools: `sha256sum` over each file gives what manifest.json says, `head -n 1
events.jsonl | tr -d '\\n' | sha256sum` the hash that the second event carries, and `jq .` shows what any
event says.
"""


def readme(execution: str, workflow: str) -> bytes:
    """The README of an execution's bundle.

    Args:
        execution: its id.
        workflow: the id of its workflow.
    """
    return _TEXT.format(execution=execution, workflow=workflow).encode()
