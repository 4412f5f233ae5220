import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isPresent, peersNamed } from './peers.ts'

test('peers are asked for by name, and a name that nobody has is refused', () => {
  const peers = ['one', 'two'] as const
  deepEqual([...peersNamed('two,one', peers)], ['two', 'one'])
  for (const nobody of ['', 'none']) equal(peersNamed(nobody, peers).size, 0)
  throws(() => peersNamed('one,three', peers), /no peer called three; there are one, two, none/)
})

test('a server that is not installed is left out with one line, which says where it is to be had', () => {
  const said: string[] = []
  equal(
    isPresent('no-such-server', 'a-package', (line) => said.push(line)),
    false,
  )
  deepEqual(said, ['no-such-server is not installed, so its rows are left out (Debian has it as a-package)'])
  equal(
    isPresent('/nowhere/server', 'a-package', () => {}),
    false,
  )
  for (const command of ['sh', process.execPath]) {
    equal(
      isPresent(command, 'a-package', () => {}),
      true,
    )
  }
})
