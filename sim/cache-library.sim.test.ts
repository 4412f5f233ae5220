import { shortSimulationSuite } from '#test/harness/simulation-suite.ts'

shortSimulationSuite('cache-library', [1, 2])
