import { shortSimulationSuite } from '#test/harness/simulation-suite.ts'

shortSimulationSuite('register', [2, 10])
