import { createRouter, createWebHashHistory } from 'vue-router'
import HealthPage from './pages/health/health-page.vue'
import HostPage from './pages/hosts/host-page.vue'
import HostsPage from './pages/hosts/hosts-page.vue'
import IncidentsPage from './pages/incidents/incidents-page.vue'
import MachinePage from './pages/machine/machine-page.vue'
import NoticesPage from './pages/notices/notices-page.vue'
import OverviewPage from './pages/overview/overview-page.vue'
import PanelPage from './pages/panel-page.vue'
import SettingsPage from './pages/settings/settings-page.vue'
import GuiltyPage from './pages/telemetry/guilty-page.vue'
import TelemetryPage from './pages/telemetry/telemetry-page.vue'
import WatcherPage from './pages/watchers/watcher-page.vue'
import WatchersPage from './pages/watchers/watchers-page.vue'
import WelcomePage from './pages/welcome/welcome-page.vue'

/**
 * The UI routes by hash: paths of the server belong to its APIs. Pages come with the first load, so that they can be opened while the
 * service is away.
 */
export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', name: 'start', component: OverviewPage },
    { path: '/overview', name: 'overview', component: OverviewPage },
    { path: '/welcome', name: 'welcome', component: WelcomePage },
    { path: '/machine', name: 'machine', component: MachinePage },
    { path: '/hosts', name: 'hosts', component: HostsPage },
    { path: '/hosts/:id', name: 'host', component: HostPage, props: true },
    { path: '/incidents', name: 'incidents', component: IncidentsPage },
    { path: '/watchers', name: 'watchers', component: WatchersPage },
    { path: '/watchers/:id', name: 'watcher', component: WatcherPage, props: true },
    { path: '/telemetry', redirect: '/telemetry/records' },
    { path: '/telemetry/crashes/:id(\\d+)', name: 'guilty', component: GuiltyPage, props: true },
    { path: '/telemetry/:tab', name: 'telemetry', component: TelemetryPage, props: true },
    { path: '/health', redirect: '/health/now' },
    { path: '/health/:tab', name: 'health', component: HealthPage, props: true },
    { path: '/notices', name: 'notices', component: NoticesPage },
    { path: '/panel', name: 'panel', component: PanelPage },
    { path: '/settings', name: 'settings', component: SettingsPage },
    { path: '/about', redirect: '/settings?q=about' },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})
