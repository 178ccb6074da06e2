/**
 * `npm run test:nbd`: the server with real clients. Installs nothing; a test whose programs are not
 * here is skipped and says what is missing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashTests } from './crash.ts';
import { fileSystemTests } from './file-system.ts';
import { hostileTests } from './hostile.ts';
import { manualTests } from './manual.ts';
import { attempt, missing, shell } from './shell.ts';
import { type Backend, memoryBackend, openSite, type Site, storeBackend } from './site.ts';
import { tlsTests } from './tls.ts';

const mebibyte = 1024 * 1024;
const backends: readonly Backend[] = [memoryBackend, storeBackend];

/** Defines a test that gets a fresh site on each backend. */
function clientTest(
  name: string,
  programs: readonly string[],
  megabytes: number,
  body: (site: Site) => Promise<void>,
): void {
  for (const backend of backends) {
    test(`${name} (${backend.name})`, { skip: missing(programs) ?? false }, async () => {
      await using site = await openSite(backend, megabytes * mebibyte);
      await body(site);
      assert.equal(site.server.pool.usedBytes, 0, 'all memory of payloads is back');
    });
  }
}

clientTest('nbdinfo sees every capability', ['nbdinfo'], 64, async ({ uri }) => {
  const report = JSON.parse(await shell(`nbdinfo --json '${uri}'`));
  assert.equal(report.protocol, 'newstyle-fixed');
  const [disk] = report.exports;
  assert.equal(disk['export-size'], 64 * mebibyte);
  for (const can of ['cache', 'df', 'fast_zero', 'flush', 'fua', 'multi_conn', 'trim', 'zero']) {
    assert.equal(disk[`can_${can}`], true, can);
  }
  assert.ok(disk.contexts.includes('base:allocation'));
  assert.deepEqual(
    [disk.block_minimum, disk.block_size_minimum].filter((bytes) => bytes !== undefined),
    [1],
  );
  assert.match(await shell(`nbdinfo --list '${uri}'`), /export="disk"/);
  assert.match(await shell(`nbdinfo --map '${uri}'`), /0 +67108864 +3 +hole,zero/);
});

clientTest('nbd-client lists the exports', ['nbd-client'], 1, async ({ socket }) => {
  assert.match(await shell(`nbd-client -l -unix '${socket}'`), /^disk/m);
});

clientTest('nbdcopy: in and out again', ['nbdcopy', 'nbdinfo'], 512, async ({ uri, folder }) => {
  await shell(`cd ${folder}
    truncate -s 512M image
    for at in 3 100 101 300; do
      dd if=/dev/urandom of=image bs=1M count=9 seek=$at conv=notrunc status=none
    done
    nbdcopy --connections=4 image '${uri}'
    nbdcopy --connections=4 '${uri}' copy
    cmp image copy`);
  const map = await shell(`nbdinfo --map --totals '${uri}'`);
  const hole = /^ *(\d+) .*hole,zero$/m.exec(map);
  assert.ok(Number(hole?.[1]) > 470 * mebibyte, `the holes stay holes:\n${map}`);
});

clientTest('qemu-img: convert, compare, map', ['qemu-img'], 256, async ({ uri, folder }) => {
  await shell(`cd ${folder}
    truncate -s 256M image
    dd if=/dev/urandom of=image bs=1M count=20 seek=7 conv=notrunc status=none
    qemu-img convert -n -f raw -O raw image '${uri}'
    qemu-img compare -f raw -F raw image '${uri}'
    qemu-img convert -f raw -O qcow2 '${uri}' copy.qcow2
    qemu-img compare -f qcow2 -F raw copy.qcow2 '${uri}'
    qemu-img convert -f raw -O raw -W -m 16 '${uri}' copy.raw
    cmp image copy.raw`);
  const map = JSON.parse(await shell(`qemu-img map -f raw --output=json '${uri}'`));
  const data = map.filter((extent: { data: boolean }) => extent.data);
  assert.equal(data[0].start, 7 * mebibyte);
  assert.match(await shell(`qemu-img bench -f raw -c 2000 -d 32 -w '${uri}'`), /Run completed/);
});

clientTest('qemu-io: patterns of every alignment', ['qemu-io'], 64, async ({ uri }) => {
  const commands = [
    'write -P 0xaa 0 1M',
    'read -P 0xaa 0 1M',
    'write -P 0xbb 513 4097',
    'read -P 0xaa 0 513',
    'read -P 0xbb 513 4097',
    'read -P 0xaa 4610 1000000',
    'write -f -P 0xcc 2M 64k',
    'read -P 0xcc 2M 64k',
    'write -z 100k 200k',
    'read -P 0 100k 200k',
    'read -P 0xaa 300k 700k',
    'write -z -u 500000 77777',
    'read -P 0 500000 77777',
    'discard 2M 64k',
    'write -P 0xdd 67108863 1',
    'read -P 0xdd 67108863 1',
    'aio_write -P 0x11 8M 1M',
    'aio_write -P 0x22 9M 1M',
    'aio_flush',
    'read -P 0x11 8M 1M',
    'read -P 0x22 9M 1M',
    'flush',
  ];
  const args = commands.map((command) => `-c '${command}'`).join(' ');
  const output = await shell(`qemu-io -f raw ${args} '${uri}' 2>&1`);
  assert.doesNotMatch(output, /fail|verif|error/i, output);
});

clientTest('fio: 8 connections, verified', ['fio'], 512, async ({ uri, folder }) => {
  const common = `--ioengine=nbd --uri='${uri}' --numjobs=8 --size=64m --offset_increment=64m \
    --iodepth=16 --verify_fatal=1 --verify_state_save=0 --group_reporting --output=${folder}/fio.log`;
  await shell(`fio --name=random --rw=randwrite --bsrange=512-64k --verify=crc32c \
    --io_size=24m --fsync=64 ${common} || (cat ${folder}/fio.log; exit 1)`);
  await shell(`fio --name=large --rw=write --bs=1m --verify=sha256 \
    --io_size=64m ${common} || (cat ${folder}/fio.log; exit 1)`);
  await shell(`fio --name=trim --rw=randtrim --bs=64k --io_size=16m \
    --ioengine=nbd --uri='${uri}' --size=512m --output=${folder}/fio.log`);
});

clientTest('nbdsh: bad requests', ['nbdsh'], 16, async ({ uri }) => {
  const script = `
import errno
h.set_strict_mode(0)
h.add_meta_context("base:allocation")
h.connect_uri("${uri}")
size = h.get_size()
def fails(what, number, call):
    try:
        call()
    except nbd.Error as error:
        assert error.errnum == number, f"{what}: {error}"
        return
    raise AssertionError(f"{what} did not fail")
fails("read beyond the end", errno.EINVAL, lambda: h.pread(2, size - 1))
fails("write beyond the end", errno.ENOSPC, lambda: h.pwrite(b"xy", size - 1))
fails("zeroes beyond the end", errno.ENOSPC, lambda: h.zero(2, size - 1))
fails("trim beyond the end", errno.EINVAL, lambda: h.trim(2, size - 1))
fails("cache beyond the end", errno.EINVAL, lambda: h.cache(2, size - 1))
fails("status beyond the end", errno.EINVAL,
      lambda: h.block_status(2, size - 1, lambda *args: 0))
fails("unknown flag on read", errno.EINVAL, lambda: h.pread(1, 0, flags=1 << 9))
fails("unknown flag on flush", errno.EINVAL, lambda: h.flush(flags=1 << 15))
fails("fast zero flag on trim", errno.EINVAL, lambda: h.trim(1, 0, flags=nbd.CMD_FLAG_FAST_ZERO))
fails("status of nothing", errno.EINVAL, lambda: h.block_status(0, 0, lambda *args: 0))
assert h.pread(0, 0) == b""
h.pwrite(b"still here", 100, nbd.CMD_FLAG_FUA)
assert h.pread(10, 100) == b"still here"
seen = []
def chunk(buffer, offset, status, error):
    seen.append((offset, len(buffer), status))
assert h.pread_structured(1 << 20, 4 << 20, chunk)
assert seen == [(4 << 20, 1 << 20, nbd.READ_HOLE)], seen
cookies = [h.aio_pread(nbd.Buffer(4096), 4096 * i) for i in range(64)]
while cookies:
    h.poll(-1)
    cookies = [cookie for cookie in cookies if not h.aio_command_completed(cookie)]
h.flush()
h.shutdown()
`;
  await shell(`nbdsh -c - <<'END'\n${script}\nEND`);
});

clientTest('nbdsh: options, one by one', ['nbdsh'], 16, async ({ uri }) => {
  const script = `
h.set_opt_mode(True)
h.connect_uri("${uri}")
names = []
h.opt_list(lambda name, description: names.append(name))
assert names == ["disk"], names
contexts = []
h.opt_list_meta_context(lambda name: contexts.append(name))
assert "base:allocation" in contexts, contexts
h.set_export_name("nothing")
try:
    h.opt_info()
    raise AssertionError("there is no such export")
except nbd.Error:
    pass
h.set_export_name("disk")
h.opt_info()
size = h.get_size()
h.opt_go()
assert h.get_size() == size and size == 16 << 20
h.shutdown()
h = nbd.NBD()
h.set_opt_mode(True)
h.connect_uri("${uri}")
h.opt_abort()
`;
  await shell(`nbdsh -c - <<'END'\n${script}\nEND`);
});

clientTest('clients killed in the middle of work', ['nbdcopy', 'nbdinfo'], 256, async (site) => {
  for (let round = 0; round < 8; round++) {
    const delay = 0.02 + round * 0.02;
    await attempt(`head -c 200M /dev/urandom | timeout -s KILL ${delay} nbdcopy - '${site.uri}'`);
  }
  await shell(`nbdinfo --size '${site.uri}'`);
  for (let i = 0; i < 200 && site.server.connectionCount > 0; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(site.server.connectionCount, 0);
});

tlsTests(clientTest);
fileSystemTests(clientTest);
crashTests();
hostileTests();
manualTests();
