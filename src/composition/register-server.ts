import { createHttpServer } from '#http/server.ts'
import { PinoTelemetry } from '#io/pino-telemetry.ts'
import { RegisterMachine } from '#services/register/register-machine.ts'
import { RegisterService } from '#services/register/register-service.ts'
import type { Serve } from './served.ts'

export const serveRegisters: Serve = ({ id, logLevel }, node, { serverFactory }) => {
  let service: RegisterService | null = null
  return {
    http: createHttpServer(() => service, serverFactory),
    telemetry: new PinoTelemetry({ level: logLevel, node: id, meter: null }),
    machineVersion: 2,
    nodeApi: () => null,
    ports: { machineFor: () => new RegisterMachine() },
    start: () => {
      service = new RegisterService(node())
    },
    leave: () => {},
    stop: () => {},
  }
}
