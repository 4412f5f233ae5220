import { h } from 'preact'
import type { ComponentChild } from 'preact'

interface TokenFormProps {
  readonly wasWrong: boolean
  readonly use: (token: string) => void
}

/** Asks for the token that the nodes want. */
export function tokenForm({ wasWrong, use }: TokenFormProps): ComponentChild {
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token')
    if (typeof token === 'string' && token !== '') use(token.trim())
  }
  return h(
    'form',
    { class: 'alone token-form', onSubmit: submit },
    h('h1', null, 'Lockstep'),
    h('label', { for: 'token' }, wasWrong ? 'That token is not known here. Another one:' : 'These nodes ask for a token.'),
    h('input', { id: 'token', name: 'token', type: 'password', autocomplete: 'off', required: true, autofocus: true }),
    h('button', { type: 'submit' }, 'Use it in this tab'),
  )
}
