import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { Actions } from './actions.ts'
import { actionForm, button, textField } from './form-parts.ts'

export function queueForm({ actions }: { readonly actions: Actions }): ComponentChild {
  return h(
    actionForm,
    {
      name: 'Produce and consume messages',
      act(pressed, field) {
        const queue = field('queue')
        if (pressed === 'consume') return actions.consume(queue, 1)
        if (pressed === 'drain') return actions.consume(queue, 100)
        return actions.produce(queue, field('message'), pressed === 'many' ? 100 : 1)
      },
    },
    h(textField, { name: 'queue', label: 'Queue', value: 'orders' }),
    h(textField, { name: 'message', label: 'Message', value: '{"id": 1}' }),
    button('produce', 'Produce', 'primary'),
    button('many', 'Produce 100'),
    button('consume', 'Consume'),
    button('drain', 'Consume 100'),
  )
}
