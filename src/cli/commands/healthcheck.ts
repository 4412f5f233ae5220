import { commonRoutes } from '#api/common/routes.ts'
import { defineCommand, noOperands } from '#cli/command.ts'
import type { Command } from '#cli/command.ts'
import { layersOfNode, nodeFlags } from '#cli/config/node-settings.ts'
import { exitCodes } from '#cli/exit-codes.ts'
import { duration, toggle, withDefault } from '#cli/flags/kinds.ts'
import { tlsFlags } from '#cli/flags/tls.ts'
import { errorScreen, screen } from '#cli/output/terminal.ts'
import { askNode } from '#cli/service/node-answer.ts'
import type { NodeAnswer } from '#cli/service/node-answer.ts'
import { trustOf } from '#cli/service/trust.ts'

const help = `For what looks after containers: run beside a node, with the environment of that, it asks the node for /readyz, or with --live for /healthz.

Examples:
  docker exec lock-node-1 lockstep healthcheck
  lockstep healthcheck --live --listen 127.0.0.1:8001

Exit codes: 0 it is ready, or alive, 1 it is not ready, and why, 69 it does not answer`

export const healthcheckCommand: Command = defineCommand({
  name: 'healthcheck',
  summary: 'ask the node beside it whether it is ready',
  operands: '',
  help,
  flags: {
    listen: nodeFlags.listen,
    config: nodeFlags.config,
    ...tlsFlags,
    live: toggle('ask only whether it is alive, which it may be without its cluster'),
    timeout: withDefault(duration('DURATION', 'how long it may take to answer; 2s', { min: 1, max: 600_000 }), 2_000),
  },
  layers: layersOfNode(process.env),
  read({ listen, live, timeout, 'tls-cert': cert, 'tls-key': key }, operands, mistakes) {
    noOperands(operands, mistakes)
    const isSecure = cert !== undefined && key !== undefined
    const trust = isSecure ? { ...trustOf({ cert, 'cert-key': key }), rejectUnauthorized: false as const } : {}
    return { url: urlBeside(listen, isSecure), route: live ? commonRoutes.health : commonRoutes.ready, timeout, trust }
  },
  async run({ url, route: { method, path }, timeout, trust }) {
    const answer = await askNode(url, { method, path, body: null, statuses: [200] }, { limitMs: timeout, signal: null, trust })
    return told(answer, url)
  },
})

/** A node that listens on all addresses listens on this one too. Its certificate may be for others, and is not looked at. */
export const urlBeside = (listen: string, isSecure = false): string =>
  `${isSecure ? 'https' : 'http'}://${listen.replace(/^(?:0\.0\.0\.0|\[::\]|::)(?=:\d+$)/, '127.0.0.1')}`

function told(answer: NodeAnswer, url: string): number {
  switch (answer.type) {
    case 'answered':
      screen.print(`${(answer.body as { readonly status: string }).status}\n`)
      return exitCodes.done
    case 'refused':
      errorScreen.print(`${answer.refusal.message}\n`)
      return exitCodes.refused
    case 'silent':
    case 'aborted':
      errorScreen.print(`${url}: ${answer.type === 'silent' ? answer.problem : 'no answer'}\n`)
      return exitCodes.unavailable
  }
}
