import { shortSimulationSuite } from '#test/harness/simulation-suite.ts'

shortSimulationSuite('cache', [2, 9])
