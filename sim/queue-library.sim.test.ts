import { shortSimulationSuite } from '#test/harness/simulation-suite.ts'

shortSimulationSuite('queue-library', [2, 7])
