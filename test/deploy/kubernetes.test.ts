import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Container } from 'kubernetes-types/core/v1.d.ts'
import { present } from '#base/assert.ts'
import { commonRoutes } from '#api/common/routes.ts'
import { expectedVoters } from '#cli/config/expected-voters.ts'
import { composeFile, nodeServices } from './compose-file.ts'
import { dockerStages, environmentOf } from './dockerfile.ts'
import { allOf, kustomization, manifestFiles, manifests, typesOf } from './kubernetes.ts'

const root = join(import.meta.dirname, '..', '..')
const services = Object.keys(nodeServices) as (keyof typeof nodeServices)[]

/** What the compiler has against these objects as literals of their types: a field that is missing, of another type, or that there is not. */
function faultsOf(objects: readonly { readonly kind: keyof typeof typesOf }[]): string {
  const lines = objects.map(
    (object, at) =>
      `import type { ${object.kind} as Kind${at} } from 'kubernetes-types/${typesOf[object.kind]}.d.ts'\nexport const object${at}: Kind${at} = ${JSON.stringify(object, null, 1)}\n`,
  )
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-manifests-'))
  try {
    writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'))
    const paths = { 'kubernetes-types/*': [join(root, 'node_modules', 'kubernetes-types', '*')] }
    const options = { target: 'esnext', module: 'nodenext', strict: true, noEmit: true, allowImportingTsExtensions: true, types: [], paths }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['manifests.ts'] }))
    return spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder], { encoding: 'utf8' }).stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The container of the set of a service. */
const containerOf = (service: string): Container => {
  const set = allOf('StatefulSet').find(({ metadata }) => metadata?.name === `${service}-node`)
  return present(set?.spec?.template.spec?.containers[0], `there is no set of ${service}`)
}

const variablesOf = ({ env = [] }: Container): ReadonlyMap<string, string | undefined> =>
  new Map(env.map(({ name, value }) => [name, value]))

/** As Kubernetes makes it of the variables of one pod. */
function addressOf(service: string, pod: string): string {
  const text = variablesOf(containerOf(service)).get('LOCKSTEP_ADVERTISE') ?? ''
  return text.replace('$(NODE_ID)', pod)
}

test('every manifest is what the types of Kubernetes say, field by field, and the compiler finds what is not', () => {
  ok(manifests.length >= 12)
  deepEqual(
    manifests.filter(({ object }) => object.apiVersion === '' || !(object.kind in typesOf)),
    [],
  )
  equal(faultsOf(manifests.map(({ object }) => object)), '')
  const [set] = allOf('StatefulSet') as [object, ...object[]]
  const misspelt = { ...set, kind: 'StatefulSet', spec: { ...present((set as { spec?: object }).spec, 'a spec'), replcas: 3 } } as const
  match(faultsOf([misspelt]), /replcas/)
})

test('all resources are applied but the example of a secret, and the image is the one that compose builds', () => {
  deepEqual([...kustomization.resources, 'secret.example.yaml'].toSorted(), manifestFiles.toSorted())
  const images = allOf('StatefulSet').flatMap(({ spec }) => spec?.template.spec?.containers.map(({ image }) => image) ?? [])
  deepEqual([...new Set([...images, ...kustomization.images.map(({ name }) => name)])], [composeFile().services['lock-node-1']?.image])
})

test('a set, its two services and its budget mean the same pods and the same port', () => {
  for (const service of services) {
    const labels = { 'app.kubernetes.io/name': `${service}-node` }
    const set = present(allOf('StatefulSet').find(({ metadata }) => metadata?.name === `${service}-node`)?.spec, service)
    deepEqual(set.selector.matchLabels, labels)
    equal(set.template.metadata?.labels?.['app.kubernetes.io/name'], `${service}-node`)
    const selecting = allOf('Service').filter(({ spec }) => spec?.selector?.['app.kubernetes.io/name'] === `${service}-node`)
    deepEqual(new Set(selecting.map(({ metadata }) => metadata?.name)), new Set([service, set.serviceName]))
    equal(selecting.length, 2)
    const { containerPort, name } = present(containerOf(service).ports?.[0], 'a port')
    equal(containerPort, nodeServices[service].firstPort)
    for (const { spec } of selecting) deepEqual(spec?.ports, [{ name: 'http', port: containerPort, targetPort: name }])
    const headless = selecting.find(({ metadata }) => metadata?.name === set.serviceName)?.spec
    deepEqual([headless?.clusterIP, headless?.publishNotReadyAddresses], ['None', true])
    const budget = allOf('PodDisruptionBudget').find(({ metadata }) => metadata?.name === `${service}-node`)?.spec
    deepEqual([budget?.maxUnavailable, budget?.selector?.matchLabels], [1, labels])
  }
})

test('decision R3: the first three pods of a set are the list that forms the cluster, and a fourth is not in it', () => {
  for (const service of services) {
    const set = allOf('StatefulSet').find(({ metadata }) => metadata?.name === `${service}-node`)?.spec
    const variables = variablesOf(containerOf(service))
    equal(variables.get('LOCKSTEP_EXPECT'), String(set?.replicas))
    equal(set?.podManagementPolicy, 'Parallel')
    const pods = [0, 1, 2].map((at) => addressOf(service, `${service}-node-${at}`))
    deepEqual(
      pods,
      pods.map((_, at) => `${service}-node-${at}.${set?.serviceName}:${variables.get('PORT')}`),
    )
    for (const own of [...pods, addressOf(service, `${service}-node-3`)]) deepEqual(expectedVoters(own, 3), pods)
  }
})

test('probes ask paths of our API: alive is asked to restart, ready to send requests', () => {
  for (const service of services) {
    const { livenessProbe, startupProbe, readinessProbe } = containerOf(service)
    const paths = [startupProbe, livenessProbe, readinessProbe].map((probe) => probe?.httpGet?.path)
    deepEqual(paths, [commonRoutes.health.path, commonRoutes.health.path, commonRoutes.ready.path])
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) equal(probe?.httpGet?.port, 'http')
  }
})

test('a pod runs what the image runs, as the same user, may write where its volumes are, and its variables are known', () => {
  const image = dockerStages().at(-1)
  const user = Number(image?.instructions.find(({ word }) => word === 'USER')?.rest.split(':')[0])
  const inCompose = composeFile().services['lock-node-1']?.environment ?? {}
  for (const service of services) {
    const pod = allOf('StatefulSet').find(({ metadata }) => metadata?.name === `${service}-node`)?.spec?.template.spec
    const { runAsNonRoot, runAsUser, fsGroup } = present(pod?.securityContext, service)
    deepEqual(
      [runAsNonRoot, runAsUser, fsGroup, pod?.enableServiceLinks, pod?.automountServiceAccountToken],
      [true, user, user, false, false],
    )
    const { args, securityContext, volumeMounts = [], env = [], resources } = containerOf(service)
    deepEqual(args, ['node', '--service', service])
    deepEqual([securityContext?.readOnlyRootFilesystem, securityContext?.allowPrivilegeEscalation], [true, false])
    ok(volumeMounts.some(({ mountPath }) => mountPath === (image === undefined ? '' : environmentOf(image)['LOCKSTEP_DATA'])))
    ok(resources?.requests?.['memory'] !== undefined && resources.limits?.['memory'] !== undefined)
    deepEqual(
      env.map(({ name }) => name).filter((name) => !(name in inCompose) && !/^LOCKSTEP_(?:ADVERTISE|EXPECT)$/.test(name)),
      [],
    )
    equal(env.find(({ name }) => name === 'LOCKSTEP_SECRET')?.valueFrom?.secretKeyRef?.optional, undefined)
  }
})

test('nobody but nodes, programs with a label and the monitoring reaches the port, and nodes reach nodes and names', () => {
  const [policy] = allOf('NetworkPolicy')
  const { podSelector, policyTypes, ingress, egress } = present(policy?.spec, 'a policy')
  const ours = { 'app.kubernetes.io/part-of': 'lockstep' }
  deepEqual([podSelector.matchLabels, policyTypes], [ours, ['Ingress', 'Egress']])
  for (const { spec } of allOf('StatefulSet')) equal(spec?.template.metadata?.labels?.['app.kubernetes.io/part-of'], 'lockstep')
  deepEqual(ingress?.[0]?.from?.[0]?.podSelector?.matchLabels, ours)
  deepEqual(egress?.[0]?.to?.[0]?.podSelector?.matchLabels, ours)
  for (const { ports = [], from = [] } of ingress ?? []) ok(ports.length > 0 && from.length > 0)
  for (const { ports = [], to = [] } of egress ?? []) ok(ports.length > 0 && to.length > 0)
})
