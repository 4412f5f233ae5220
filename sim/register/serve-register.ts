import { RegisterMachine } from '#services/register/register-machine.ts'
import { ObservedMachine } from '#sim/checks/observed-machine.ts'
import type { Serve } from '#sim/workload.ts'

/** Nothing but its machine. */
export const serveRegister: Serve = ({ name, checks }) => ({
  ports: { machineFor: (group) => new ObservedMachine(new RegisterMachine(), { group, node: name, checks, every: 16 }) },
  start() {},
  drain() {},
  stop() {},
  crashed() {},
})
