import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join, matchesGlob } from 'node:path'
import { test } from 'node:test'
import { composeFile, nodeServices } from './compose-file.ts'
import { copyOf, dockerStages, environmentOf, listOf } from './dockerfile.ts'
import type { BuildStage } from './dockerfile.ts'
import { textOf } from './yaml-files.ts'

const root = join(import.meta.dirname, '..', '..')
const stages = dockerStages()
const image = stages.at(-1) as BuildStage
const only = (word: string): string => {
  const found = image.instructions.filter((instruction) => instruction.word === word)
  equal(found.length, 1, word)
  return found[0]?.rest ?? ''
}

test('what the image is built of is there, and the build may see it', () => {
  const admitted = textOf('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
  const seen = stages.flatMap(({ instructions }) => instructions.filter(({ word }) => word === 'COPY').map(({ rest }) => copyOf(rest)))
  const sources = seen.filter(({ stage }) => stage === null).flatMap(({ sources: each }) => each)
  ok(sources.length > 5)
  for (const source of sources) {
    const path = source.replace(/\/$/, '')
    ok(existsSync(join(root, path)), `${path} is not there`)
    ok(
      admitted.some((line) => matchesGlob(path, line.slice(1))),
      `.dockerignore hides ${path}`,
    )
  }
  for (const { stage } of seen) ok(stage === null || stages.some(({ name }) => name === stage), `there is no stage ${stage}`)
})

test('the image is what is published: built with the Node.js that the tests run on, without sources, tests and what is for development', () => {
  const { devDependencies } = JSON.parse(textOf('package.json')) as { readonly devDependencies: { readonly node: string } }
  const [node] = stages
  equal(/^node:(\d+)-/.exec(node?.from ?? '')?.[1], devDependencies.node.split('.')[0])
  const copied = image.instructions.filter(({ word }) => word === 'COPY').flatMap(({ rest }) => copyOf(rest).sources)
  deepEqual(copied, ['/usr/local/bin/node', '/build/package.json', '/build/bin', '/build/node_modules', '/build/dist'])
  const build = stages.find(({ name }) => name === 'build') as BuildStage
  match(build.instructions.at(-1)?.rest ?? '', /^npm prune --omit=dev/)
})

test('the image runs as nobody in particular, tells its own health, and needs no shell', () => {
  equal(only('USER'), '10001:10001')
  match(image.instructions.find(({ word }) => word === 'RUN')?.rest ?? '', /--uid 10001 /)
  equal(only('VOLUME'), environmentOf(image)['LOCKSTEP_DATA'])
  deepEqual([...listOf(image, 'ENTRYPOINT'), ...listOf(image, 'CMD')], ['node', '/app/bin/lockstep.js', 'node'])
  deepEqual(listOf(image, 'HEALTHCHECK'), ['lockstep', 'healthcheck'])
  equal(only('WORKDIR'), '/app')
})

test('the first port of each service is exposed, and compose runs what the image runs', () => {
  deepEqual(
    only('EXPOSE').split(' ').toSorted(),
    Object.values(nodeServices)
      .map(({ firstPort }) => String(firstPort))
      .toSorted(),
  )
  const { services } = composeFile()
  for (const [service, { nodes, scaled }] of Object.entries(nodeServices)) {
    for (const name of [...nodes, scaled]) {
      const { build, command, healthcheck, volumes, tmpfs } = services[name] ?? {}
      deepEqual([build, command, healthcheck?.test], ['.', ['node', '--service', service], ['CMD', 'lockstep', 'healthcheck']], name)
      ok(
        [...(volumes ?? []), ...(tmpfs ?? [])].some((mount) => mount.endsWith('/data')),
        name,
      )
    }
  }
})
