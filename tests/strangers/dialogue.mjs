// How a client and the test that runs it speak: lines of JSON, on standard input and output.
//
//     → {"issuer": …, "clients": […]}        what to do
//     ← {"visit": "https://…"}               a person has to go there in a browser …
//     → {"at": "https://…"}                  … and ended here
//     ← {"found": {…}}                       what came of it

import { createInterface } from 'node:readline'

const reader = createInterface({ input: process.stdin })
const lines = reader[Symbol.asyncIterator]()
const heard = async () => JSON.parse((await lines.next()).value)
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)

export async function visit(url) {
  say({ visit: String(url) })
  return new URL((await heard()).at)
}

// Act as each client in turn; `act` is told which, and returns what it found.
export async function run(act) {
  const told = await heard()
  const found = {}
  for (const client of told.clients) found[client.client_id] = await act(told, client)
  say({ found })
  reader.close()
}
