import type { HostsConfig } from '../../shared/api/hosts.ts'
import { StoreError } from '../store/errors.ts'
import type { Connection } from '../store/open.ts'
import { configOf, configuredOf } from './config.ts'
import { anchorsSetting, defaultAnchors } from './connection.ts'
import { channelNames } from './route-parts.ts'
import { createHostStore } from './store.ts'

/** Returns the hosts of a database as a configuration file has them. @throws StoreError `wrong-shape` where it has no hosts */
export function readHostsConfig(db: Connection): HostsConfig {
  const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'host'").get() !== undefined
  if (!isThere)
    throw new StoreError('wrong-shape', 'this database was not opened by a service that knows hosts yet')
  const store = createHostStore(db)
  const anchors = JSON.parse(store.setting(anchorsSetting) ?? JSON.stringify(defaultAnchors)) as string[]
  return { anchors, hosts: configOf(configuredOf(store), channelNames(db)) }
}
