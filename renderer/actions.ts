import { useToast } from '@nuxt/ui/composables'
import { failureText } from './api/client.ts'
import { queryClient } from './api/query-client.ts'

/** Returns a function that does something, shows why it failed, and brings the lists up to date. */
export function useAction(): (what: string, work: () => Promise<unknown>, done?: string) => Promise<boolean> {
  const toast = useToast()
  return async (what, work, done) => {
    try {
      await work()
      if (done !== undefined) toast.add({ title: done, color: 'success', icon: 'i-lucide-check' })
      await Promise.all(
        [
          'watchers',
          'alerts',
          'hosts',
          'host-past',
          'telemetry',
          'telemetry-still',
          'health',
          'health-past',
          'health-settings',
          'overview',
        ].map((key) => queryClient.invalidateQueries({ queryKey: [key] })),
      )
      return true
    } catch (error) {
      toast.add({
        title: `${what} failed`,
        description: failureText(error),
        color: 'error',
        icon: 'i-lucide-triangle-alert',
      })
      return false
    }
  }
}
