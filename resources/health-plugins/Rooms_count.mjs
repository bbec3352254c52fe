// An example of a plug-in as a module, which makes a worker of its own: how many files lie beside the database. Node runs it in a
// process of its own; what it exports as default is the answer, or gives it.
import { readdir } from 'node:fs/promises'

export default async () => {
  const names = await readdir('..')
  return [{ name: 'data', files: names.length }]
}
