import { h } from 'preact'
import type { ComponentChild } from 'preact'
import type { Actions } from './actions.ts'
import { actionForm, button, choiceField, textField } from './form-parts.ts'

export function cacheForm({ actions, names }: { readonly actions: Actions; readonly names: readonly string[] }): ComponentChild {
  return h(
    actionForm,
    {
      name: 'Write and read keys',
      act: (pressed, field) =>
        pressed === 'read' ? actions.read(field('node'), field('key')) : actions.write(field('node'), field('key'), field('value')),
    },
    h(textField, { name: 'key', label: 'Key', value: 'user_123' }),
    h(textField, { name: 'value', label: 'Value', value: '{"score": 95}' }),
    h(choiceField, { name: 'node', label: 'On node', choices: names }),
    button('write', 'Write', 'primary'),
    button('read', 'Read'),
  )
}
