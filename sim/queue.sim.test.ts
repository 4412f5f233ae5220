import { shortSimulationSuite } from '#test/harness/simulation-suite.ts'

shortSimulationSuite('queue', [2, 10])
