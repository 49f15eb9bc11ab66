// A view of all executions, made of signoff.executions: how each stands, and how many blocks it has done.
//
//     npm install
//     node consumer.ts localhost:9092 view.db
//
// The view and where it goes on reading are written in one transaction, and "events" is the last eventId of
// each log: end this program wherever you like and start it again, and each event counts once.
import { randomUUID } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { Consumer, type Message, stringDeserializers } from '@platformatic/kafka'

type Received = Message<string, string, string, string>

const TOPIC = 'signoff.executions'
const [brokers, path] = process.argv.slice(2)
const view = new DatabaseSync(path)
view.exec(`
  PRAGMA journal_mode = WAL;
  CREATE TABLE IF NOT EXISTS executions (
    log TEXT PRIMARY KEY, subject TEXT, status TEXT, events INTEGER NOT NULL, blocks INTEGER NOT NULL
  );
  CREATE TABLE IF NOT EXISTS offsets (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
`)
const last = view.prepare('SELECT events FROM executions WHERE log = ?')
const count = view.prepare(`
  INSERT INTO executions VALUES (?, ?, ?, 1, ?) ON CONFLICT (log) DO UPDATE SET
    status = coalesce(excluded.status, status), events = events + 1, blocks = blocks + excluded.blocks
`)
const moveOn = view.prepare('INSERT OR REPLACE INTO offsets VALUES (?, ?)')

/** What a record changes in the view: nothing if it was there before. What is behind a gap is not taken. */
function receive({ key, headers }: Received): void {
  const eventId = Number(headers.get('ce_eventid'))
  const expected = Number(last.get(key)?.events ?? 0) + 1
  if (eventId < expected) return
  if (eventId > expected) {
    throw new Error(`log ${key}: event ${eventId} came, and ${expected} is next: ask for \`signoff topics verify\``)
  }
  const type = headers.get('ce_type') ?? ''
  const status = type.startsWith('execution:') ? type.slice('execution:'.length) : null
  const done = type === 'block:completed' && !headers.has('ce_copyof')
  count.run(key, headers.get('ce_subject') ?? null, status, done ? 1 : 0)
}

/** Takes a record and moves on, both or neither. */
function take(message: Received): void {
  view.exec('BEGIN')
  try {
    receive(message)
    moveOn.run(message.partition, message.offset + 1n)
    view.exec('COMMIT')
  } catch (error) {
    view.exec('ROLLBACK')
    throw error
  }
}

const consumer = new Consumer({
  groupId: `view-${randomUUID()}`, // alone in its group: it reads every partition
  clientId: 'view',
  bootstrapBrokers: brokers.split(','),
  deserializers: stringDeserializers,
})
const offsets = view.prepare('SELECT partition, next FROM offsets').all()
const messages = await consumer.consume({
  topics: [TOPIC],
  mode: 'manual',
  offsets: offsets.map(({ partition, next }) => ({ topic: TOPIC, partition: Number(partition), offset: BigInt(Number(next)) })),
  fallbackMode: 'earliest', // for partitions that are new, and where what is next has expired: that is a gap
  autocommit: false,
})
for await (const message of messages) take(message)
