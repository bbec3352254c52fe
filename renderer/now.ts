import { readonly, ref } from 'vue'

const now = ref(Date.now())
setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now()
}, 1_000)

/** The present (ms UTC), a second exact, for countdowns. */
export const nowMs = readonly(now)
