import { lookup } from 'node:dns'

/** All addresses (IPv4) that a name stands for, as the system finds them; none when it does not. */
export function lookUp(host: string, done: (addresses: readonly string[]) => void): void {
  lookup(host, { all: true, family: 4 }, (error, found) => done(error === null ? found.map(({ address }) => address) : []))
}
