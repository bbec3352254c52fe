import { ref, watch, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** Returns whether something is open that the address can ask for, as a search's action does; the word is taken out again. */
export function useAsked(word: string): Ref<boolean> {
  const route = useRoute()
  const router = useRouter()
  const isOpen = ref(false)
  watch(
    () => route.query[word],
    (value) => {
      if (value === undefined) return
      isOpen.value = true
      const { [word]: _taken, ...rest } = route.query
      void router.replace({ query: rest })
    },
    { immediate: true },
  )
  return isOpen
}
