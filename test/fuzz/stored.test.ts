import { test } from 'node:test'
import { brokenSettingsFiles, damagedJournalRecords, damagedSnapshots, damagedStoreRecords } from './stored-properties.ts'

test('a record of the journal that was damaged is none', () => damagedJournalRecords(1_000))
test('a record of the store that was damaged, or lies under another key, is damage', () => damagedStoreRecords(1_000))
test('a snapshot is restored or refused with a reason, whatever its bytes are', () => damagedSnapshots(500))
test('a file of settings is read, or its mistakes are named without its values', () => brokenSettingsFiles(500))
