import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { StatefulSet } from 'kubernetes-types/apps/v1.d.ts'
import type { Namespace, Secret, Service } from 'kubernetes-types/core/v1.d.ts'
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.d.ts'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.ts'
import { documentsOf, yamlOf } from './yaml-files.ts'

/** What the manifests are made of, by `kind`. */
export interface Kinds {
  readonly StatefulSet: StatefulSet
  readonly Namespace: Namespace
  readonly Secret: Secret
  readonly Service: Service
  readonly NetworkPolicy: NetworkPolicy
  readonly PodDisruptionBudget: PodDisruptionBudget
}

/** Where the types of kinds are, for the compiler. */
export const typesOf: Readonly<Record<keyof Kinds, string>> = {
  StatefulSet: 'apps/v1',
  Namespace: 'core/v1',
  Secret: 'core/v1',
  Service: 'core/v1',
  NetworkPolicy: 'networking/v1',
  PodDisruptionBudget: 'policy/v1',
}

export interface Manifest {
  readonly file: string
  readonly object: { readonly apiVersion: string; readonly kind: keyof Kinds; readonly metadata: { readonly name: string } }
}

const folder = 'deploy/kubernetes'

export const kustomization = yamlOf(`${folder}/kustomization.yaml`) as {
  readonly namespace: string
  readonly resources: readonly string[]
  readonly images: readonly { readonly name: string }[]
}

export const manifestFiles: readonly string[] = readdirSync(join(import.meta.dirname, '..', '..', folder)).filter(
  (name) => name !== 'kustomization.yaml',
)

/** Every object of every manifest, also of those that are no resource. */
export const manifests: readonly Manifest[] = manifestFiles.flatMap((file) =>
  documentsOf(`${folder}/${file}`).map((object) => ({ file, object: object as Manifest['object'] })),
)

export function allOf<Kind extends keyof Kinds>(kind: Kind): readonly Kinds[Kind][] {
  return manifests.filter(({ object }) => object.kind === kind).map(({ object }) => object as unknown as Kinds[Kind])
}
