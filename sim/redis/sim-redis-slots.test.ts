import { conformRedisSlots } from '#test/conformance/redis-slots.ts'
import { systemClock } from '#io/system-clock.ts'
import { RedisServer } from './redis-server.ts'
import { SimRedisSlots } from './sim-redis-slots.ts'

conformRedisSlots('simulated Redis', async () => {
  const server = new RedisServer()
  return {
    connect: (node) => new SimRedisSlots({ clock: systemClock, network: systemClock, server, node }),
    restart: async () => server.restart(),
    dispose: async () => {},
  }
})
