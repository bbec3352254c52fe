import { createRouter, createWebHashHistory } from 'vue-router'
import AboutPage from './pages/about-page.vue'
import MachinePage from './pages/machine/machine-page.vue'

/**
 * The UI routes by hash: paths of the server belong to its APIs. Pages come with the first load, so that they can be opened while the
 * service is away.
 */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', redirect: '/machine' },
    { path: '/machine', name: 'machine', component: MachinePage },
    { path: '/about', name: 'about', component: AboutPage },
    { path: '/:rest(.*)*', redirect: '/machine' },
  ],
})
