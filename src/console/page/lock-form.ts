import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { Actions } from './actions.ts'
import { actionForm, button, choiceField, textField } from './form-parts.ts'

export function lockForm({ actions }: { readonly actions: Actions }): ComponentChild {
  return h(
    actionForm,
    {
      name: 'Acquire and release locks',
      act(pressed, field) {
        const [resource, client] = [field('resource'), field('client')]
        if (pressed === 'deadlock') return actions.deadlock()
        if (pressed === 'release') return actions.release(resource, client)
        return actions.acquire(resource, client, field('type') === 'shared' ? 'shared' : 'exclusive')
      },
    },
    h(textField, { name: 'resource', label: 'Resource', value: 'db_table' }),
    h(textField, { name: 'client', label: 'Client', value: 'client_A' }),
    h(choiceField, { name: 'type', label: 'Type', choices: ['exclusive', 'shared'] }),
    button('acquire', 'Acquire', 'primary'),
    button('release', 'Release'),
    button('deadlock', 'Make a deadlock', 'quiet'),
  )
}
