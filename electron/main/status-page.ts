import { statusPagePolicy } from './security.ts'
import { serviceWords, type ServiceState } from './service-state.ts'

/** The page that the window shows while there is no service to show: made here, without anything from outside. */

const style = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#fff, #0f172b); color: light-dark(#314158, #cad5e2); }
main { max-width: 34rem; padding: 2rem; }
h1 { margin: 0 0 .5rem; font-size: 1.35rem; color: light-dark(#0f172b, #fff); }
p { margin: 0 0 1.25rem; overflow-wrap: anywhere; }
button { font: inherit; padding: .45rem .9rem; margin: 0 .5rem .5rem 0; border-radius: .375rem; border: 1px solid light-dark(#cad5e2, #45556c); background: transparent; color: inherit; cursor: pointer; }
button.first { background: #0f766e; border-color: #0f766e; color: #fff; }
button:focus-visible { outline: 2px solid #0d9488; outline-offset: 2px; }
`

const script = `
for (const button of document.querySelectorAll('button[data-call]'))
  button.addEventListener('click', () => { if (button.dataset.call === 'retry') button.disabled = true; window.watchkeeper[button.dataset.call]() })
`

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Returns the page of a state. */
export function statusPage(state: ServiceState): string {
  const { title, text } = serviceWords(state)
  const canRetry = state.kind === 'given-up' || state.kind === 'refused'
  const buttons = [
    ...(canRetry ? ['<button class="first" data-call="retry">Try again</button>'] : []),
    '<button data-call="showLog">Show the log</button>',
    '<button data-call="quit">Quit Watchkeeper…</button>',
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Watchkeeper</title><link rel="stylesheet" href="/status.css"></head>
<body><main><h1 role="status">${escaped(title)}</h1><p>${escaped(text)}</p><div>${buttons.join('')}</div></main>
<script src="/status.js"></script></body></html>
`
}

/** Returns what the shell's own scheme answers. */
export function answerStatus(url: string, state: ServiceState): Response {
  const { pathname } = new URL(url)
  const files: Readonly<Record<string, readonly [string, string]>> = {
    '/': ['text/html; charset=utf-8', statusPage(state)],
    '/status.css': ['text/css; charset=utf-8', style],
    '/status.js': ['text/javascript; charset=utf-8', script],
  }
  const file = files[pathname === '' ? '/' : pathname]
  const headers = {
    'content-security-policy': statusPagePolicy,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  }
  if (!file) return new Response('There is nothing here.', { status: 404, headers })
  return new Response(file[1], { headers: { ...headers, 'content-type': file[0] } })
}
