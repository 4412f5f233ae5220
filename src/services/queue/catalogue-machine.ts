import { assert } from '#base/assert.ts'
import { Catalogue } from '#core/queue/catalogue.ts'
import { encodeCatalogueAnswer } from '#core/queue/catalogue-codec.ts'
import type { StateMachine } from '#runtime/state-machine.ts'
import { answerAbout } from './catalogue-questions.ts'

/** The catalogue of queues as the runtime replicates it, in a group of its own. */
export class CatalogueMachine implements StateMachine {
  readonly bodies = null
  readonly catalogue = new Catalogue()

  apply(command: Uint8Array): Uint8Array {
    return encodeCatalogueAnswer(this.catalogue.apply(command))
  }

  query(question: Uint8Array): Uint8Array {
    return answerAbout(this.catalogue, question)
  }

  snapshot(): Iterable<Uint8Array> {
    return this.catalogue.snapshot()
  }

  restore(snapshot: Uint8Array): void {
    assert(this.catalogue.restore(snapshot) === null, 'a snapshot of the catalogue can be restored')
  }
}
