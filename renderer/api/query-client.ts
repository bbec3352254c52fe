import { QueryClient } from '@tanstack/vue-query'
import { ApiFailure } from './client.ts'

/** What was loaded stays on screen while it is loaded anew, and when the service is away. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      retry: (count, error) => error instanceof ApiFailure && error.kind === 'unreachable' && count < 2,
    },
  },
})
