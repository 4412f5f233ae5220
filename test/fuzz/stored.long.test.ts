import { test } from 'node:test'
import { brokenSettingsFiles, damagedJournalRecords, damagedSnapshots, damagedStoreRecords } from './stored-properties.ts'

const count = 10_000

test('ten thousand damaged records of the journal are none', () => damagedJournalRecords(count))
test('ten thousand damaged records of the store are damage', () => damagedStoreRecords(count))
test('ten thousand damaged snapshots of each machine are restored or refused with a reason', () => damagedSnapshots(count))
test('ten thousand broken files of settings are read, or their mistakes are named', () => brokenSettingsFiles(count))
