/** Light, dark, or as the system has it. */
export type Theme = 'auto' | 'light' | 'dark'

export const themes = ['auto', 'light', 'dark'] as const

export function storedTheme(): Theme {
  const stored = localStorage.getItem('lockstep-theme')
  return themes.find((theme) => theme === stored) ?? 'auto'
}

export function applyTheme(theme: Theme): void {
  localStorage.setItem('lockstep-theme', theme)
  document.documentElement.dataset['theme'] = theme
}
