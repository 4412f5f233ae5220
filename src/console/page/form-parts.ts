import { h } from 'preact'
import type { ComponentChild, ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Outcome } from './actions.ts'

interface ActionFormProps {
  /** What the form is for. */
  readonly name: string
  /** By the value of the button that was pressed. */
  readonly act: (button: string, field: (name: string) => string) => Promise<Outcome>
  readonly children?: ComponentChildren
}

/** A line of fields and buttons, and below it what came of the last press. */
export function actionForm({ name, act, children }: ActionFormProps): ComponentChild {
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const pressed = event.submitter instanceof HTMLButtonElement ? event.submitter.value : ''
    const field = (wanted: string): string => {
      const value = data.get(wanted)
      return typeof value === 'string' ? value.trim() : ''
    }
    void act(pressed, field).then(setOutcome)
  }
  return h(
    'form',
    { class: 'action', 'aria-label': name, onSubmit: submit },
    h('div', { class: 'fields' }, children),
    h('output', { class: outcome === null ? 'dim' : outcome.isGood ? 'good' : 'bad' }, outcome?.text ?? ''),
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly value: string
}

export const textField = ({ name, label, value }: FieldProps): ComponentChild =>
  h(
    'label',
    null,
    h('span', null, label),
    h('input', { name, defaultValue: value, required: true, maxLength: 200, autocomplete: 'off', spellcheck: false }),
  )

export const choiceField = ({
  name,
  label,
  choices,
}: {
  readonly name: string
  readonly label: string
  readonly choices: readonly string[]
}): ComponentChild =>
  h(
    'label',
    null,
    h('span', null, label),
    h(
      'select',
      { name },
      choices.map((choice) => h('option', { key: choice, value: choice }, choice)),
    ),
  )

export const button = (value: string, text: string, kind = ''): ComponentChild => h('button', { type: 'submit', value, class: kind }, text)
