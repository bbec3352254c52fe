import './styles.css'
import ui from '@nuxt/ui/vue-plugin'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import App from './app.vue'
import { takeKeyFromAddress, takeKeyFromShell } from './api/key.ts'
import { queryClient } from './api/query-client.ts'
import { router } from './router.ts'

// Before the router reads the fragment: the key must not stay in the address bar.
takeKeyFromAddress()
await takeKeyFromShell()
createApp(App).use(router).use(VueQueryPlugin, { queryClient }).use(ui).mount('#app')
