// Calls methods of Sim's TypeScript SDK: a line of JSON in is a call, a line of JSON out is what came of it.
//   {"client": 1, "config": {"apiKey", "baseUrl"}}          makes client 1: {}
//   {"client": 1, "method": "executeWorkflow", "args": [‥]} calls it: {"value"} or {"error"}

import { createInterface } from 'node:readline'
import { SimStudioClient, SimStudioError } from 'simstudio-ts-sdk'

const clients = new Map()

function revive(_, value) {
  const file = value?.$file
  return file ? new File([file.text], file.name, { type: file.type }) : value
}

async function answer({ client, config, method, args }) {
  if (config) {
    clients.set(client, new SimStudioClient(config))
    return {}
  }
  try {
    return { value: await clients.get(client)[method](...args) }
  } catch (error) {
    if (!(error instanceof SimStudioError)) throw error
    return { error: { message: error.message, code: error.code, status: error.status } }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line, revive)))}\n`)
}
process.exit(0) // the SDK never clears the timers of its time limits, which would keep Node alive
