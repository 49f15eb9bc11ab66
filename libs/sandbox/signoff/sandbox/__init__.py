"""The JavaScript sandbox: programs in, JSON values out, in processes that may be killed at any moment.

`pool.Sandbox` is what the executor holds; `programs` says what a program is and how it may fail. The other
modules are, from the outside in: `places` (whose turn it is), `process` (one worker as the pool sees it),
`worker` (the same process from within), `limits` (what the kernel denies it), `machine` and `prelude.js` (one
program in one fresh QuickJS context; the only importer of `quickjs`).

Nothing is re-exported here: a worker imports this package first and must start in a few milliseconds.
"""
