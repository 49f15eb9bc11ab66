// Follows a stream with the EventSource of npm: node follow.mjs URL KEY. Writes each event's data as a line.

import { EventSource } from 'eventsource'

const [url, key] = process.argv.slice(2)
const stream = new EventSource(url, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, 'X-API-Key': key } }),
})
stream.onmessage = ({ data }) => process.stdout.write(`${data}\n`)
stream.onerror = ({ code }) => {
  if (stream.readyState === EventSource.CLOSED) process.exitCode = code === 204 ? 0 : 1
}
