import { posix } from 'node:path'

const link = /\[[^\]]*\]\((?<target>[^)\s]+)[^)]*\)/g
const code = /`(?<span>[^`\n]+)`/g
const path = /^\.{0,2}[\w@-][\w.@-]*(?:\/[\w.@-]+)+\.[a-z]+$/
const heading = /^#{1,6}\s+(?<title>.+)$/gm
const codeBlock = /^```[\s\S]*?^```/gm
const external = /^(?:https?:|mailto:)/

/** As GitHub makes them. */
function anchorOf(title: string): string {
  const words = title.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
  return words.replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-')
}

function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  for (const match of text.replaceAll(codeBlock, '').matchAll(heading)) {
    const anchor = anchorOf(match.groups?.['title']?.trim() ?? '')
    let unique = anchor
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`
    anchors.add(unique)
  }
  return anchors
}

function faultOfLink(page: string, target: string, pages: ReadonlyMap<string, string>, files: ReadonlySet<string>): string | null {
  if (external.test(target)) return null
  const [relativePath = '', anchor = ''] = target.split('#')
  const file = relativePath === '' ? page : posix.join(posix.dirname(page), relativePath).replace(/\/$/, '')
  if (!files.has(file)) return `no file ${file}`
  if (anchor === '') return null
  const text = pages.get(file)
  if (text === undefined) return `no page ${file}`
  return anchorsOf(text).has(anchor) ? null : `no heading #${anchor} in ${file}`
}

interface Repository {
  /** Markdown pages: path to text. */
  readonly pages: ReadonlyMap<string, string>
  /** Every file and folder. */
  readonly files: ReadonlySet<string>
}

function faultsOfPage(page: string, text: string, { pages, files }: Repository): readonly string[] {
  const prose = text.replaceAll(codeBlock, '')
  const links = [...prose.matchAll(link)].flatMap((match) => {
    const target = match.groups?.['target'] ?? ''
    const fault = faultOfLink(page, target, pages, files)
    return fault === null ? [] : [`${page}: (${target}): ${fault}`]
  })
  const references = [...prose.matchAll(code)].flatMap((match) => {
    const span = match.groups?.['span'] ?? ''
    const known = files.has(span) || files.has(posix.join(posix.dirname(page), span))
    return path.test(span) && !known ? [`${page}: \`${span}\`: no such file`] : []
  })
  return [...links, ...references]
}

/** Links to files and headings that are not there, and names of files in code spans that are not there. */
export function linkFaults(repository: Repository): readonly string[] {
  return [...repository.pages].flatMap(([page, text]) => faultsOfPage(page, text, repository))
}

/** Pictures that no page shows, and benches that no page tells of: a part of a page that was lost takes the words about them with it. */
export function untold({ pages, files }: Repository): readonly string[] {
  const text = [...pages.values()].join('\n')
  const isTold = (file: string): boolean => {
    const bench = /^bench\/([\w-]+)\.bench\.ts$/.exec(file)?.[1]
    if (bench !== undefined) return text.includes(file) || new RegExp(`bench -- ${bench}(?![\\w-])`).test(text)
    return !file.startsWith('docs/images/') || text.includes(`(${posix.relative('docs', file)})`) || text.includes(`(${file})`)
  }
  return [...files].filter((file) => posix.extname(file) !== '' && !isTold(file))
}
