import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome']

function find(): string | null {
  const paths = (process.env['PATH'] ?? '').split(':').flatMap((folder) => names.map((name) => join(folder, name)))
  return paths.find(isProgram) ?? null
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Most folders of PATH have none.
    return false
  }
}

const program = find()

/** Why a test that needs a browser cannot run; false if it can. */
export const noBrowser: string | false = program === null ? 'there is no chromium on PATH: apt-get install chromium' : false

/** Containers seldom let it make a sandbox, and it loads nothing but what the test serves. */
export const openBrowser = (): Promise<Browser> => chromium.launch({ executablePath: program ?? '', args: ['--no-sandbox'] })
