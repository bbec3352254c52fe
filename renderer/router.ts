import { createRouter, createWebHashHistory } from 'vue-router'

/** The UI routes by hash: paths of the server belong to its APIs. */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', redirect: '/machine' },
    { path: '/machine', name: 'machine', component: () => import('./pages/machine/machine-page.vue') },
    { path: '/about', name: 'about', component: () => import('./pages/about-page.vue') },
    { path: '/:rest(.*)*', redirect: '/machine' },
  ],
})
