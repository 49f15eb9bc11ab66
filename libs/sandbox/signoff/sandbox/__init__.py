"""The sandbox: JavaScript and Python in, JSON values out, in processes that may be killed at any moment.

`pool.Sandbox` runs programs and checks code without running it; `programs` says what a program is and
`errors` how it may fail. The other modules are, from the outside in: `places` (whose turn it is), `process`
(one worker as the pool sees it), `worker` (the same process from within), `limits` (what the kernel denies
it), and one machine for each language, with which a worker of that language starts: `javascript` with
`prelude.js` (the only importer of `quickjs`) and `python` (the only importer of `pydantic_monty`).
`javascript_names` and `python_names` find what a text refers to.

Nothing is re-exported here: a worker imports this package first and must start in a few milliseconds.
"""
