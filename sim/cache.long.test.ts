import { simulationSuite } from '#test/harness/simulation-suite.ts'

simulationSuite('cache')
