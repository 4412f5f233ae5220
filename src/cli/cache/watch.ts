import { cacheRoutes as routes } from '#api/cache/routes.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { printable } from '#cli/output/table.ts'
import { screen } from '#cli/output/terminal.ts'
import { rawField } from '#cli/service/raw-field.ts'
import type { ServiceClient } from '#cli/service/service-client.ts'
import { counted } from './counted.ts'
import { textOf } from './values.ts'

interface Watching {
  readonly text: boolean
  readonly json: boolean
  readonly max: number | undefined
}

/** A line for the value as it is, and for each change that is seen. Another node, which tells the value first, may have nothing new. */
export function watch(client: ServiceClient, key: string, { text, json, max }: Watching): Promise<number> {
  let last = ''
  return counted(max, async (signal, count) => {
    await client.follow(
      routes.watch,
      { key },
      {
        signal,
        onEvent: ({ type, data }) => {
          if (type !== 'value' || signal.aborted) return
          const { found, version } = JSON.parse(data) as { readonly found: boolean; readonly version: string }
          const now = found ? version : 'absent'
          if (now === last) return
          last = now
          if (json) screen.print(`${oneLine(data)}\n`)
          else screen.print(`${found ? shown(rawField(data, 'value') ?? '', text) : 'absent'}\n`)
          count()
        },
      },
    )
    return exitCodes.done
  })
}

const shown = (raw: string, asText: boolean): string => oneLine(asText ? textOf(raw) : raw)

/** JSON has line breaks between its tokens only. */
function oneLine(text: string): string {
  const line = text.replaceAll(/\r\n|\r|\n/g, ' ')
  return screen.isTerminal ? printable(line) : line
}
