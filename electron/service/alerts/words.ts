import type { Severity } from '../../shared/alert-words.ts'
import type { TransitionFacts } from '../context.ts'
import type { TransitionRow } from './schema.ts'

/** The words of notices. Pure. */

/** Returns the title of a notice: the state first, since titles are cut. */
export function titleOf(severity: Severity, { name, mail }: TransitionFacts): string {
  if (mail) return mail.subject.replace(/^\[([A-Z]+)\] /, (_, word: string) => `${capital(word)}: `)
  switch (severity) {
    case 'problem':
      return `Problem: ${name}`
    case 'recovery':
      return `Recovered: ${name}`
    case 'info':
      return name
    default:
      return severity satisfies never
  }
}

function capital(word: string): string {
  return word.charAt(0) + word.slice(1).toLowerCase()
}

const namesShown = 10

/** Returns the words of one notice for many changes. */
export function stormWords(
  severity: Severity,
  transitions: readonly TransitionRow[],
): { title: string; text: string; details: string[] } {
  const count = transitions.length
  const rooms = new Set(transitions.map(({ room }) => room))
  const things = rooms.size === 1 ? ([...rooms][0] ?? 'items') : 'items'
  const what: Readonly<Record<Severity, string>> = {
    problem: 'have a problem',
    recovery: 'are well again',
    info: 'have news',
  }
  const isMissed = severity === 'info' && transitions.every(({ to }) => to === 'unobserved')
  const words = isMissed ? 'were missed while nobody looked; nothing is counted as a failure' : what[severity]
  const names = transitions.map(({ facts }) => facts.name)
  const rest = count - namesShown
  const list = `${names.slice(0, namesShown).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  return {
    title: `${count} ${things} ${words}`,
    text: list,
    details: transitions.slice(0, 100).map(({ facts }) => facts.text),
  }
}
