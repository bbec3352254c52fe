import { describe, expect, it } from 'vitest'
import { viewOf, type Evidence } from '../../../electron/service/hosts/gate.ts'
import {
  parseArp,
  parseArpFile,
  parseNetstat,
  parseRoutePrint,
  parseRoutes,
  parseRoutes6,
  systemNetwork,
} from '../../../electron/service/hosts/network.ts'

const quiet: Evidence = {
  gateways: ['192.0.2.1'],
  gatewayAnswers: false,
  gatewayProven: true,
  anchorAnswers: false,
  anchorProven: true,
  hadGateway: true,
  isLinked: true,
  linkProof: false,
  beyondProof: false,
}

describe('the connection', () => {
  it.each<[string, Partial<Evidence>, string, string]>([
    ['works when an anchor answers', { anchorAnswers: true }, 'online', 'online'],
    ['ends at the gateway when no proven anchor answers', { gatewayAnswers: true }, 'online', 'offline'],
    ['is cut when neither does', {}, 'offline', 'offline'],
    [
      'works as far as is known without anchors',
      { gatewayAnswers: true, anchorProven: false },
      'online',
      'online',
    ],
    ['is cut when a gateway that has answered does not', { anchorProven: false }, 'offline', 'offline'],
    [
      'is unknown when nobody has ever answered',
      { anchorProven: false, gatewayProven: false },
      'unknown',
      'unknown',
    ],
    ['is cut without any network', { isLinked: false, anchorAnswers: true }, 'offline', 'offline'],
    [
      'is cut without the gateway that there was',
      { gateways: [], gatewayProven: false, anchorProven: false },
      'unknown',
      'offline',
    ],
    [
      'works when another host answered meanwhile',
      { beyondProof: true, linkProof: true },
      'online',
      'online',
    ],
    ['to neighbours works when one answered meanwhile', { linkProof: true }, 'online', 'offline'],
  ])('%s', (_name, given, link, beyond) => {
    expect(viewOf({ ...quiet, ...given })).toMatchObject({ link, beyond })
  })
})

describe('the system', () => {
  it('names its gateways', () => {
    expect(
      parseRoutes(
        'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\neth0\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n',
      ),
    ).toEqual(['192.168.2.1'])
    expect(
      parseRoutes6(
        '00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n',
      ),
    ).toEqual(['fe80::1%eth0'])
    expect(
      parseNetstat(
        'Routing tables\ndefault            192.168.1.1        UGScg  en0\ndefault  fe80::1%en0  UGc en0\n127  127.0.0.1 UCS lo0',
      ),
    ).toEqual(['192.168.1.1', 'fe80::1%en0'])
    expect(
      parseRoutePrint('          0.0.0.0          0.0.0.0      192.168.1.1     192.168.1.20     25'),
    ).toEqual(['192.168.1.1'])
  })

  it('names its neighbours that are single machines', () => {
    const file =
      'IP address       HW type     Flags       HW address            Mask     Device\n192.168.1.7      0x1         0x2         3c:22:fb:00:00:01     *        eth0\n192.168.1.8      0x1         0x0         00:00:00:00:00:00     *        eth0\n'
    expect(parseArpFile(file)).toEqual([{ address: '192.168.1.7', hardware: '3c:22:fb:00:00:01' }])
    expect(
      parseArp(
        '? (192.168.1.9) at a4:83:e7:1:2:3 on en0 ifscope [ethernet]\n? (224.0.0.251) at 1:0:5e:0:0:fb on en0',
      ),
    ).toEqual([{ address: '192.168.1.9', hardware: 'a4:83:e7:1:2:3' }])
    expect(parseArp('  192.168.1.10          3c-22-fb-00-00-02     dynamic')).toMatchObject([
      { address: '192.168.1.10' },
    ])
  })

  it('tells its own addresses from those of others', () => {
    const { scopeOf } = systemNetwork(() => 0)
    expect(scopeOf('127.4.5.6')).toBe('local')
    expect(scopeOf('::1')).toBe('local')
    expect(scopeOf('fe80::1%eth0')).toBe('link')
    expect(scopeOf('203.0.113.1')).toBe('beyond')
  })
})
