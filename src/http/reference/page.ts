import type { Json, OpenApiDocument, Operation, Response } from '#api/openapi.ts'
import { escaped, prose } from './html.ts'
import { fieldItem, schemaList } from './schema-list.ts'
import { style } from './style.ts'

/** The OpenAPI document as a page that needs nothing from anywhere, not even scripts. */
export function referencePage(document: OpenApiDocument): string {
  const { info, tags } = document
  const sections = tags.map(({ name }) => `<h2>${escaped(name)}</h2>${operationsOf(document, name).join('')}`)
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(info.title)}</title><style>${style}</style></head>
<body><h1>${escaped(info.title)}</h1>
<p>${prose(info.description)}</p><p>Version ${escaped(info.version)}, also as <a href="/openapi.json">OpenAPI 3.1</a>.</p>
${sections.join('\n')}
</body></html>
`
}

function operationsOf({ paths, components: { schemas } }: OpenApiDocument, tag: string): readonly string[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => operationView(`${method.toUpperCase()} ${path}`, operation, schemas)),
  )
}

type Schemas = Readonly<Record<string, Json>>

function operationView(call: string, operation: Operation, schemas: Schemas): string {
  const { operationId, summary, description = '', parameters = [], requestBody, responses } = operation
  const [method = '', path = ''] = call.split(' ')
  const body = requestBody?.content['application/json']?.schema
  const parameterItems = parameters.map(({ name, schema, required, ...rest }) => {
    const field = rest.description === undefined ? schema : { ...schema, description: rest.description }
    return fieldItem(name, { field, isRequired: required, schemas })
  })
  return `<details id="${escaped(operationId)}"><summary><b>${method}</b><code>${escaped(path)}</code><span>${escaped(summary)}</span></summary>
${description === '' ? '' : `<p>${prose(description)}</p>`}
${parameterItems.length === 0 ? '' : `<h3>Parameters</h3><ul>${parameterItems.join('')}</ul>`}
${body === undefined ? '' : `<h3>Body</h3>${schemaList(body, schemas)}`}
<h3>Answers</h3>${Object.entries(responses)
    .map(([status, response]) => responseView(status, response, schemas))
    .join('')}</details>`
}

/** The fields of an error are in its description's place: they are few, and all errors have the same shape. */
function responseView(status: string, { description, content }: Response, schemas: Schemas): string {
  const lists = Object.entries(content).map(([type, { schema }]) => {
    const kind = type === 'application/json' ? '' : ` <i>${escaped(type)}</i>`
    return `${kind}${Number(status) < 400 ? schemaList(schema, schemas) : ''}`
  })
  return `<p><b>${escaped(status)}</b> ${prose(description)}</p>${lists.join('')}`
}
