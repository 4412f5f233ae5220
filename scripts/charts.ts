import { readFileSync, writeFileSync } from 'node:fs'
import { init } from 'echarts'
import type { EChartsOption } from 'echarts'

/**
 * `npm run charts -- RESULTS.json PICTURE.svg`: draws what `npm run bench -- queue --json RESULTS.json` has measured. A panel for each
 * workload, a bar for each service: the median, with a whisker from the slowest to the fastest round.
 */

interface Results {
  readonly results: Readonly<Record<string, readonly Bar[]>>
}

interface Bar {
  readonly row: { readonly name: string; readonly role: 'ours' | 'peer' | 'shown' }
  readonly summary: { readonly perSecond: { readonly min: number; readonly median: number; readonly max: number } }
}

/** What promises less than we do is pale. */
const colours = { ours: '#3b5bdb', peer: '#868e96', shown: '#ced4da' } as const

const ink = '#1f2328'

const short = (value: number): string =>
  value >= 1e6 ? `${(value / 1e6).toFixed(1)} M` : value >= 1_000 ? `${(value / 1_000).toFixed(value >= 1e5 ? 0 : 1)} k` : value.toFixed(0)

const [from, to] = process.argv.slice(2)
if (from === undefined || to === undefined) {
  process.stderr.write('npm run charts -- RESULTS.json PICTURE.svg\n')
  process.exit(2)
}
const panels = Object.entries((JSON.parse(readFileSync(from, 'utf8')) as Results).results)
writeFileSync(to, drawn(panels))

/** Pixels. */
function drawn(all: readonly (readonly [string, readonly Bar[]])[]): string {
  const width = 860
  const names = 290
  const barHeight = 24
  const gap = 56
  let top = 8
  const places = all.map(([title, bars]) => {
    const place = { title, bars: [...bars].reverse(), top: top + 30, height: bars.length * barHeight }
    top += place.height + gap
    return place
  })
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height: top })
  const option: EChartsOption = {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    title: places.map((place) => ({ text: place.title, left: 12, top: place.top - 28, textStyle: { fontSize: 14, color: ink } })),
    grid: places.map((place) => ({ left: names, right: 90, top: place.top, height: place.height })),
    xAxis: places.map(({ bars }, at) => ({
      gridIndex: at,
      type: 'value',
      max: Math.max(...bars.map(({ summary }) => summary.perSecond.max)),
      splitLine: { show: false },
      axisLabel: { show: false },
    })),
    yAxis: places.map(({ bars }, at) => ({
      gridIndex: at,
      type: 'category',
      data: bars.map(({ row }) => row.name),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { width: names - 24, overflow: 'truncate', color: '#59636e', fontSize: 12 },
    })),
    series: places.flatMap(({ bars }, at) => [
      {
        type: 'bar',
        xAxisIndex: at,
        yAxisIndex: at,
        barWidth: 14,
        data: bars.map(({ row, summary }) => ({
          value: summary.perSecond.median,
          itemStyle: { color: colours[row.role], borderRadius: [0, 3, 3, 0] },
        })),
      },
      {
        type: 'custom',
        xAxisIndex: at,
        yAxisIndex: at,
        silent: true,
        renderItem: (_, api) => {
          const [left = 0, middle = 0] = api.coord([api.value(1), api.value(0)])
          const [right = 0] = api.coord([api.value(2), api.value(0)])
          const text = short(bars[Number(api.value(0))]?.summary.perSecond.median ?? 0)
          return {
            type: 'group',
            children: [
              { type: 'line', shape: { x1: left, y1: middle, x2: right, y2: middle }, style: { stroke: ink, opacity: 0.5 } },
              { type: 'text', style: { text, x: right + 8, y: middle, verticalAlign: 'middle', fill: ink, fontSize: 12 } },
            ],
          }
        },
        data: bars.map(({ summary: { perSecond } }, position) => [position, perSecond.min, perSecond.max]),
      },
    ]),
  }
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return `${svg}\n`
}
