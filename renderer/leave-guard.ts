import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import { onBeforeRouteLeave, onBeforeRouteUpdate } from 'vue-router'

/** Asks before a page is left on which something was changed and not saved. */
export function useLeaveGuard(isChanged: Readonly<Ref<boolean>>): void {
  const mayLeave = (): boolean =>
    !isChanged.value || window.confirm('What you changed here is not saved. Leave it?')
  onBeforeRouteLeave(mayLeave)
  onBeforeRouteUpdate(mayLeave)
  const hold = (event: BeforeUnloadEvent): void => {
    if (isChanged.value) event.preventDefault()
  }
  onMounted(() => addEventListener('beforeunload', hold))
  onBeforeUnmount(() => removeEventListener('beforeunload', hold))
}
