import { spawnSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { gatherFiles } from '#http/console/files.ts'

/**
 * `npm run build`: the package as others install it, in `dist`: JavaScript for every supported version of Node.js, and types.
 *
 * Node.js strips types only outside of `node_modules`, and the names of folders in `package.json` (`#base/...`) stand for the sources. So the
 * sources are copied with paths that mean the same everywhere, and compiled from there.
 */
const root = join(import.meta.dirname, '..')
const [from, staged, out] = [join(root, 'src'), join(root, 'build'), join(root, 'dist')]

const settings = {
  extends: '../tsconfig.json',
  compilerOptions: {
    target: 'es2022',
    // What Node.js 20 has: anything newer is an error here.
    lib: ['es2023', 'es2024.string', 'esnext.disposable'],
    noEmit: false,
    declaration: true,
    rewriteRelativeImportExtensions: true,
    rootDir: 'src',
    outDir: '../dist',
  },
  files: ['src/index.ts', 'src/dev.ts', 'src/main.ts'],
  include: [],
}

const named = /(?<=(?:from |import |import\()')#([^']+\.ts)(?=')/g

function localPath(importer: string, imported: string): string {
  const path = relative(dirname(importer), imported).split(sep).join('/')
  return path.startsWith('.') ? path : `./${path}`
}

for (const folder of [staged, out]) rmSync(folder, { recursive: true, force: true })
for (const path of globSync('**/*.ts', { cwd: from, exclude: ['console/**'] })) {
  const target = join(staged, 'src', path)
  mkdirSync(dirname(target), { recursive: true })
  const source = readFileSync(join(from, path), 'utf8')
  writeFileSync(
    target,
    source.replaceAll(named, (_whole, name: string) => localPath(path, name)),
  )
}
writeFileSync(join(staged, 'tsconfig.json'), JSON.stringify(settings))
const { status } = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', staged], { stdio: 'inherit' })
rmSync(staged, { recursive: true, force: true })
// What browsers take is ready there, as a package has no sources.
mkdirSync(join(out, 'console'), { recursive: true })
for (const [name, content] of gatherFiles(from).files) writeFileSync(join(out, 'console', name), content)
process.exitCode = status ?? 1
