import { shortSimulationSuite } from '#test/harness/simulation-suite.ts'

shortSimulationSuite('lock', [2, 10])
