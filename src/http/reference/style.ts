/** Readable at 360 px, by day and by night. */
export const style = `
:root { color-scheme: light dark; --line: light-dark(#d5d9e0, #3a3f4a); --soft: light-dark(#f4f6f9, #22262e); --dim: light-dark(#5a6272, #a0a8b8) }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif }
h1 { margin: 0 0 .5rem } h2 { margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line) } h3 { margin: 1rem 0 .25rem; font-size: 1rem }
code { font: .9em ui-monospace, monospace; background: var(--soft); padding: 0 .2em; border-radius: .2em; overflow-wrap: anywhere }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .5rem 0; padding: .5rem .75rem }
summary { cursor: pointer; overflow-wrap: anywhere }
summary b { display: inline-block; min-width: 4.2rem }
summary span { color: var(--dim); margin-left: .5rem }
ul { padding-left: 1.1rem; margin: .25rem 0 }
li { margin: .15rem 0; overflow-wrap: anywhere }
p { margin: .5rem 0 }
i { color: var(--dim); font-style: normal }
`
