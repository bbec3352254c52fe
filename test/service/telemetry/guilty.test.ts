import { describe, expect, it } from 'vitest'
import { readBacktrace } from '../../../electron/service/telemetry/guilty/frames.ts'
import { guiltyOf, skipListOf } from '../../../electron/service/telemetry/guilty/guilty.ts'
import { crashPayload } from '../../support/records.ts'

const crash = 'org.clearlinux/crash/clr'
const none = skipListOf([])
const skip = (...frames: readonly string[]) =>
  skipListOf(
    frames.map((frame) => ({
      function: frame.slice(0, frame.lastIndexOf(' ')),
      module: frame.slice(frame.lastIndexOf(' ') + 1),
    })),
  )
const blamed = (payload: string, list = none, classification = crash): string | null => {
  const found = guiltyOf(classification, payload, list)
  return found && `${found.function} ${found.module}`
}

describe('the guilty frame', () => {
  const two = crashPayload('raise() libc.so.6', 'abort() libc.so.6')
  it.each([
    ['the first frame', two, none, 'raise() libc.so.6'],
    ['the next when the first is skipped', two, skip('raise() libc.so.6'), 'abort() libc.so.6'],
    [
      'the last when all are skipped',
      two,
      skip('raise() libc.so.6', 'abort() libc.so.6'),
      'abort() libc.so.6',
    ],
    ['the first unknown of unknown ones', crashPayload('??? a', '??? b'), none, '??? a'],
    ['a known one after an unknown one', crashPayload('??? a', 'f() b'), none, 'f() b'],
    [
      'only of the first thread',
      `${crashPayload('f() b')}\nBacktrace (TID 2):\n#0 g() - [c]\n`,
      skip('f() b'),
      'f() b',
    ],
    ['a sure one after a doubtful one', crashPayload('? foo kernel', 'bar kernel'), none, 'bar kernel'],
    // The original blames `? bar` here: it passes over the first doubtful frame alone.
    ['the first of doubtful ones', crashPayload('? foo kernel', '? bar kernel'), none, '? foo kernel'],
    ['nothing without frames', 'Process: x\n\nno frames\n', none, null],
    ['nothing of an empty payload', '', none, null],
    ['nothing of the first line', '#0 f() - [a]', none, null],
    ['the last brackets as the module', 'x\n#0 f() - [x] - [y]\n', none, 'f() - [x] y'],
    [
      'a frame with its source',
      'x\n#0 inner() - [/usr/bin/app] - /src/a.c:2\n',
      none,
      'inner() /usr/bin/app',
    ],
    ['a C++ name with colons', 'x\r\n#0 a::b(int, char) - [lib.so]\r\n', none, 'a::b(int, char) lib.so'],
  ])('is %s', (_what, payload, list, expected) => {
    expect(blamed(payload, list)).toBe(expected)
  })

  it('is looked for only in classes that have backtraces', () => {
    expect(blamed(two, none, 'org.clearlinux/hello/world')).toBeNull()
    expect(blamed(two, none, 'org.clearlinux/crash/unknown')).toBeNull()
    expect(blamed(two, none, 'org.clearlinux/kernel/bug')).toBe('raise() libc.so.6')
    expect(blamed(two, none, 'org.example/app/crash')).toBe('raise() libc.so.6')
  })

  it('reads the head of a backtrace', () => {
    expect(readBacktrace(two)).toMatchObject({ program: '/usr/bin/app', pid: '8187', signal: '11' })
  })

  it('takes no time over a payload that is made to take it', () => {
    const begin = process.cpuUsage()
    blamed(`x\n${'#0 '.repeat(90_000)}`)
    blamed(`x\n${`#0 ${' - ['.repeat(900)}\n`.repeat(80)}`)
    blamed(`x\n${`#1 ${' - ['.repeat(400)}${']'.repeat(2_300)}\rx\n`.repeat(75)}`)
    blamed(`${'    at a (b '.repeat(20_000)}\n`.repeat(2), none, 'a/b/c')
    blamed(
      `${`   at ${'a.'.repeat(100)}a(${') in '.repeat(40)}${':line 1'.repeat(8)}!\n`.repeat(600)}`,
      none,
      'a/b/c',
    )
    blamed(`${`a!b${' '.repeat(480)}+\n`.repeat(600)}`, none, 'a/b/c')
    blamed(
      `Traceback (most recent call last):\n${'  File "a", line 1, in x\n'.repeat(10_000)}`,
      none,
      'a/b/c',
    )
    expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(2_000)
  })
})

describe('stack texts of other systems', () => {
  const of = (payload: string, list = none): string | null => blamed(payload, list, 'org.example/app/error')

  it.each([
    [
      'JavaScript',
      `TypeError: Cannot read properties of undefined (reading 'x')
    at handle (/srv/app/src/api/handler.js:10:5)
    at Layer.handle (/srv/app/node_modules/express/lib/router/layer.js:95:5)`,
      'handle api/handler.js',
    ],
    [
      'JavaScript that begins in Node itself',
      `Error: ENOENT: no such file
    at Object.openSync (node:fs:561:18)
    at async load (file:///srv/app/load.mjs:3:1)`,
      'load app/load.mjs',
    ],
    [
      'a bundle with a hash',
      `ReferenceError: x is not defined
    at new Foo (https://example.com/assets/index-Dk3j9Xa2.js:1:2345)`,
      'Foo assets/index.js',
    ],
    [
      'a dependency',
      `Error: boom
    at Parser.parse (C:\\app\\node_modules\\@scope\\pkg\\lib\\parse.js:1:1)`,
      'Parser.parse @scope/pkg/lib/parse.js',
    ],
    [
      'Firefox',
      `run@https://example.com/app/main.js:10:3
@https://example.com/app/main.js:20:1`,
      'run app/main.js',
    ],
    [
      'Python',
      `Traceback (most recent call last):
  File "/usr/lib/python3.11/runpy.py", line 196, in _run_module_as_main
    return _run_code(code)
  File "/srv/job/backup/main.py", line 42, in save
    raise ValueError("no")
ValueError: no`,
      'save backup/main.py',
    ],
    [
      'Java, by its root cause',
      `Exception in thread "main" java.lang.RuntimeException: wrapped
\tat com.example.App.main(App.java:5)
Caused by: java.lang.NullPointerException
\tat com.example.Store.lambda$load$3(Store.java:77)
\tat com.example.Store$$Lambda$14/0x0000000800c03000.run(Unknown Source)
\t... 1 more`,
      'lambda$load$3 com.example.Store',
    ],
    [
      '.NET',
      `System.InvalidOperationException: no
   at Shop.Cart.Add(Item item) in C:\\src\\Cart.cs:line 12
   at Shop.Program.Main(String[] args)`,
      'Add Shop.Cart',
    ],
    [
      'WinDbg',
      `STACK_TEXT:
00 0000005c\`1234f0a8 00007ff8\`12345678 ntdll!RtlFailFast2+0x4
01 0000005c\`1234f0b0 00007ff6\`00001234 app!main+0x20`,
      'RtlFailFast2 ntdll',
    ],
    ['a module without symbols', 'x\n00 app+0x1a2b\n01 KERNEL32!BaseThreadInitThunk+0x14', '+0x1a2b app'],
  ])('of %s', (_what, payload, expected) => {
    expect(of(payload)).toBe(expected)
  })

  it.each([
    [
      'a logger’s archive',
      'E\n\tat a.Bar.run(Bar.java:10) ~[app.jar:1.0]\n\tat a.Main.main(Main.java:1)',
      'run a.Bar',
    ],
    ['a module of Java', 'E\n\tat app//org.foo/foo@9.0/com.foo.Main.run(Main.java:1)', 'run com.foo.Main'],
    [
      'a mangled name of Kotlin',
      'E\n\tat a.Bar.run-IoAF18A(SourceFile:12)\n\tat a.B.x(B.kt:1)',
      'run-IoAF18A a.Bar',
    ],
    [
      'a check of Java itself',
      'E\n\tat java.base/java.util.Objects.requireNonNull(Objects.java:1)\n\tat a.B.x(B.java:1)',
      'x a.B',
    ],
    ['generics of .NET', 'E\n   at App.Repo.Load[T](String id)\n   at App.Program.Main()', 'Load App.Repo'],
    ['a constructor of .NET', 'E\n   at App.Repo..ctor(String id)', '.ctor App.Repo'],
    [
      'WinDbg with arguments',
      'STACK_TEXT:\nffff8000`1 fffff803`2 : 0000 0001 0002 0003 : nt!KeBugCheckEx\nffff8000`2 fffff803`3 : 0 0 0 0 : drv!f+0x1',
      'KeBugCheckEx nt',
    ],
    ['32-bit WinDbg', 'x\n0012f6ac 77f5 app!run+0x12\n0012f6b0 77f6 app!main+0x1', 'run app'],
    [
      'an exception group of Python',
      '  + Exception Group Traceback (most recent call last):\n  |   File "/a/b.py", line 1, in f\n  |     x',
      'f a/b.py',
    ],
    [
      'a parse of JavaScript’s own',
      'SyntaxError: x\n    at JSON.parse (<anonymous>)\n    at load (/a/src/config.js:1:1)',
      'load src/config.js',
    ],
    [
      'an anonymous handler',
      'Error\n    at /app/src/server.js:12:20\n    at Layer.handle (/app/node_modules/express/lib/router/layer.js:1:1)',
      '<anonymous> src/server.js',
    ],
    ['an old Node', 'Error\n    at Object.openSync (fs.js:1:1)\n    at load (/a/b.js:1:1)', 'load a/b.js'],
  ])('pass by %s', (_what, payload, expected) => {
    expect(of(payload)).toBe(expected)
  })

  it('obey the skip list', () => {
    const payload = `Error: x
    at assert (/a/src/assert.js:1:1)
    at work (/a/src/work.js:2:2)`
    expect(of(payload, skip('assert src/assert.js'))).toBe('work src/work.js')
  })

  it.each([
    [
      'lines, machines and addresses',
      'Error: a\n    at f (/home/ann/app/src/a.js:1:2)',
      'Error: b\n    at f (/opt/x/app/src/a.js:100:20)',
    ],
    [
      'hashes of bundles',
      'Error: a\n    at f (https://a.example/js/main.3f9c2ab1.js:1:2)',
      'Error: a\n    at f (https://a.example/js/main.77ab12cd.js:1:9)',
    ],
    [
      'proxies of Java',
      'java.lang.Error\n\tat com.sun.proxy.$Proxy12.run(Unknown Source)',
      'java.lang.Error\n\tat com.sun.proxy.$Proxy977.run(Unknown Source)',
    ],
    [
      'accessors of Java',
      'java.lang.Error\n\tat jdk.internal.reflect.GeneratedMethodAccessor12.invoke(Unknown Source)',
      'java.lang.Error\n\tat jdk.internal.reflect.GeneratedMethodAccessor9.invoke(Unknown Source)',
    ],
    ['offsets in a function of Windows', 'x\n00 app!run+0x10', 'x\n00 app!run+0x44'],
    [
      'versions of Python’s folders above the module',
      'Traceback (most recent call last):\n  File "/venv1/pkg/mod.py", line 1, in f\n    x\nE',
      'Traceback (most recent call last):\n  File "/venv2/pkg/mod.py", line 9, in f\n    y\nE',
    ],
  ])('are one group in spite of other %s', (_what, one, other) => {
    expect(of(one)).not.toBeNull()
    expect(of(one)).toBe(of(other))
  })

  it.each([
    ['functions', 'Error\n    at f (/a/b/c.js:1:1)', 'Error\n    at g (/a/b/c.js:1:1)'],
    ['files', 'Error\n    at f (/a/b/c.js:1:1)', 'Error\n    at f (/a/b/d.js:1:1)'],
    ['classes', 'E\n\tat a.B.run(B.java:1)', 'E\n\tat a.C.run(C.java:1)'],
    ['offsets of modules without symbols', 'x\n00 app+0x10', 'x\n00 app+0x20'],
    ['lambdas of other methods', 'E\n\tat a.B.lambda$x$1(B.java:1)', 'E\n\tat a.B.lambda$y$1(B.java:1)'],
  ])('stay apart for other %s', (_what, one, other) => {
    expect(of(one)).not.toBeNull()
    expect(of(one)).not.toBe(of(other))
  })

  it('are not seen in plain text', () => {
    for (const text of [
      'Warning!low disk space on /dev/sda',
      'Hello!world',
      'hello\n',
      'at noon (we) met',
      'a + 0x1 is no frame',
      'File "x", line 1',
    ])
      expect(of(text), text).toBeNull()
  })
})
