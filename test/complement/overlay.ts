/** Go's overlay: files that stand in for those of a Complement checkout, which stays as it is. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../local/paths.ts'

/**
 * What stands for hs1, hs2 and so on. These are found without DNS, and have no port: the lists of a room's servers
 * (`m.room.server_acl`) name hosts alone. All of 127.0.0.0/8 is this machine on Linux.
 */
export const SERVER_NAMES = ['127.0.1.1', '127.0.1.2', '127.0.1.3']

/** What is written otherwise in a file of the checkout: there are no containers, and names of servers have dots. */
const PATCHES: Readonly<Record<string, readonly [from: string, to: string][]>> = {
  'test_main.go': [
    ['= NewTestPackage(namespace)', '= newSelvedgePackage(namespace)'],
    ['defer testPackage.Cleanup()', 'defer stopKept()'],
    ['testPackage.OldDeploy(t, blueprint)', 'deployBlueprint(t, blueprint)'],
  ],
  'tests/csapi/apidoc_room_receipts_test.go': [['Get(userID)', 'Get(client.GjsonEscape(userID))']],
  'tests/csapi/apidoc_room_state_test.go': [
    ['"joined." + authedClient.UserID', '"joined." + client.GjsonEscape(authedClient.UserID)'],
  ],
  'tests/csapi/device_lists_test.go': [
    ['algorithms", user.UserID', 'algorithms", client.GjsonEscape(user.UserID)'],
    ['keys.%s", user.UserID', 'keys.%s", client.GjsonEscape(user.UserID)'],
  ],
  'tests/csapi/keychanges_test.go': [
    ['"device_keys."+bob.UserID', '"device_keys."+client.GjsonEscape(bob.UserID)'],
  ],
  'tests/csapi/thread_notifications_test.go': [['Get(userID)', 'Get(client.GjsonEscape(userID))']],
  'tests/federation_device_list_update_test.go': [
    ['"device_keys.%s.%s", joiner.UserID', '"device_keys.%s.%s", client.GjsonEscape(joiner.UserID)'],
  ],
  'tests/federation_keys_test.go': [
    ['"signatures.hs1.%s", keyName', '"signatures.%s.%s", client.GjsonEscape("hs1"), keyName'],
    ['import (', 'import (\n"github.com/matrix-org/complement/client"'],
  ],
  'tests/msc3391/msc3391_test.go': [
    ['account_data.events", roomID)', 'account_data.events", client.GjsonEscape(roomID))'],
  ],
  'tests/msc4155/invite_filter_test.go': [['"hs*"', '"127.0.1.*"']],
}

/** Writes the overlay into `folder`; answers the path for `go test -overlay`. */
export function writeOverlay(complement: string, folder: string): string {
  const Replace: Record<string, string> = {}
  const tests = readdirSync(join(complement, 'tests'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.go'))
    .map((file) => `tests/${file}`)
  for (const file of ['test_main.go', ...tests]) {
    const source = readFileSync(join(complement, file), 'utf8')
    const other = withNames(patched(file, source))
    if (other === source) continue
    const path = join(folder, `${Object.keys(Replace).length}.go`)
    writeFileSync(path, other)
    Replace[join(complement, file)] = path
  }
  for (const file of ['deployment.go', 'server.go']) {
    Replace[join(complement, `selvedge_${file}`)] = join(projectRoot, 'test/complement', file)
  }
  const overlay = join(folder, 'overlay.json')
  writeFileSync(overlay, JSON.stringify({ Replace }))
  return overlay
}

function patched(file: string, source: string): string {
  return (PATCHES[file] ?? []).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`${file} is of another version: there is no "${from}"`)
    return text.replaceAll(from, to)
  }, source)
}

/** Tests write `hs1` both for Complement's own word for a server and for its name, in aliases and addresses too. */
function withNames(source: string): string {
  return SERVER_NAMES.reduce(
    (text, name, index) => text.replace(new RegExp(`(?<=["/:])hs${index + 1}(?=["/])`, 'g'), name),
    source,
  )
}
