import assert from 'node:assert/strict';
import { attempt, missing, shell } from './shell.ts';
import type { Site } from './site.ts';

type ClientTest = (
  name: string,
  programs: readonly string[],
  megabytes: number,
  body: (site: Site) => Promise<void>,
) => void;

const programs = ['nbdfuse', 'fusermount3', 'losetup', 'mkfs.ext4', 'e2fsck', 'mount', 'nbdinfo'];

/**
 * A shell function that gives a volume to the kernel as a loop device over FUSE, and takes it back.
 */
const prelude = (folder: string) => `cd ${folder}
  attach() { # uri, name
    mkdir -p $2.fuse $2.mnt
    nbdfuse $2.fuse "$1" > $2.log 2>&1 &
    for i in $(seq 100); do [ -e $2.fuse/nbd ] && break; sleep 0.05; done
    losetup --find --show $3 $2.fuse/nbd > $2.loop
  }
  detach() { # name
    losetup -d $(cat $1.loop)
    for i in $(seq 100); do fusermount3 -u $1.fuse 2> /dev/null && break; sleep 0.05; done
    wait
  }
`;

/** The kernel's ext4 on a volume: the client that forgives nothing. */
export function fileSystemTests(clientTest: ClientTest): void {
  const why = missing(programs) ?? (process.getuid?.() === 0 ? undefined : 'needs root');
  if (why !== undefined) {
    clientTest('ext4 of the kernel', ['root', ...programs], 1, async () => {});
    return;
  }
  clientTest('ext4 of the kernel, cloned in the middle of work', programs, 512, async (site) => {
    try {
      await cloneUnderLoad(site);
    } finally {
      await takeDown(site.folder);
    }
  });
  clientTest('ext4 of the kernel', programs, 512, async (site) => {
    const { folder, uri } = site;
    try {
      await shell(`${prelude(folder)}
        attach '${uri}' disk ''
        mkfs.ext4 -q $(cat disk.loop)
        mount $(cat disk.loop) disk.mnt
        mkdir disk.mnt/kept disk.mnt/gone
        for i in $(seq 200); do head -c $((i * 1000)) /dev/urandom > disk.mnt/kept/$i; done
        head -c 100M /dev/urandom > disk.mnt/gone/large
        sync
        (cd disk.mnt/kept; sha256sum *) > sums`);
      const snapshot = await site.snapshot?.('in-the-middle');
      await shell(`cd ${folder}
        rm -r disk.mnt/gone
        sync
        fstrim disk.mnt
        for i in $(seq 50); do head -c 5000 /dev/urandom > disk.mnt/later$i; done
        umount disk.mnt
        e2fsck -fn $(cat disk.loop)`);
      await checkTrimmed(uri);
      await shell(`cd ${folder}
        mount $(cat disk.loop) disk.mnt
        (cd disk.mnt/kept; sha256sum --quiet -c ${folder}/sums)
        umount disk.mnt
        losetup -d $(cat disk.loop)
        fusermount3 -u disk.fuse`);
      if (snapshot !== undefined) await checkSnapshot(folder, snapshot);
    } finally {
      await takeDown(folder);
    }
  });
}

function takeDown(folder: string): Promise<unknown> {
  return attempt(`cd ${folder}
    for mount in *.mnt; do umount -l $mount || true; done
    for loop in *.loop; do losetup -d $(cat $loop) || true; done
    for fuse in *.fuse; do fusermount3 -u -z $fuse || true; done`);
}

/**
 * Clones of moments in the middle of work, without as much as a sync: the kernel replays its
 * journal and finds a sound file system, with every file whole that had been synced by then.
 */
async function cloneUnderLoad({ folder, uri, clone }: Site): Promise<void> {
  if (clone === undefined) return;
  await shell(`${prelude(folder)}
    attach '${uri}' busy ''
    mkfs.ext4 -q $(cat busy.loop)
    mount $(cat busy.loop) busy.mnt
    touch working
    (n=0; while [ -e working ]; do
      n=$((n + 1))
      head -c $((n * 997 % 300000 + 1)) /dev/urandom > busy.mnt/$n
      sha256sum < busy.mnt/$n > busy.mnt/$n.sum
      sync busy.mnt/$n busy.mnt/$n.sum
      echo $n > synced
      if [ $n -gt 30 ]; then rm busy.mnt/$((n - 30)) busy.mnt/$((n - 30)).sum; fi
    done) > /dev/null 2>&1 &`);
  try {
    for (const moment of ['early', 'later', 'last']) {
      await shell('sleep 1.5');
      const synced = Number(await shell(`cat ${folder}/synced`));
      const address = await clone(moment);
      await shell(`${prelude(folder)}
        attach '${address}' ${moment} ''
        mount $(cat ${moment}.loop) ${moment}.mnt
        for i in $(seq ${Math.max(1, synced - 12)} ${synced}); do
          sha256sum < ${moment}.mnt/$i | cmp - ${moment}.mnt/$i.sum
        done
        umount ${moment}.mnt
        e2fsck -fn $(cat ${moment}.loop)
        detach ${moment}`);
    }
  } finally {
    await attempt(`cd ${folder}; rm -f working; sleep 1`);
  }
}

/** What fstrim gave back is a hole again. */
async function checkTrimmed(uri: string): Promise<void> {
  const totals = await shell(`nbdinfo --map --totals '${uri}'`);
  const data = /^ *(\d+) .*data$/m.exec(totals);
  assert.ok(Number(data?.[1]) < 80 * 1024 * 1024, `the deleted 100 MB are gone:\n${totals}`);
}

/** The snapshot holds the file system as it was: files that were deleted later are there. */
async function checkSnapshot(folder: string, uri: string): Promise<void> {
  await shell(`${prelude(folder)}
    attach '${uri}' snap --read-only
    mount -o ro,noload $(cat snap.loop) snap.mnt
    test $(stat -c %s snap.mnt/gone/large) -eq 104857600
    test ! -e snap.mnt/later1
    (cd snap.mnt/kept; sha256sum --quiet -c ${folder}/sums)
    umount snap.mnt
    detach snap`);
}
