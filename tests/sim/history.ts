import { Random } from '../../src/base/random.ts';
import type { BlockDevice } from '../../src/store/device/device.ts';
import { Store, type StoreOptions, type Transaction } from '../../src/store/index.ts';
import type { ModelMap, ModelObject, ModelState, ModelVolume } from './model.ts';

/** How the operations of a history are chosen. */
export interface HistoryOptions {
  /** Bytes of the volumes; small ones make small histories. */
  volumeSize: number;
  /** Called with the state after everything that a crash may show on its own. */
  onVersion: (state: ModelState) => void;
  /** Called with a promise that resolves when the present version is durable. */
  onSync: (durable: Promise<void>) => void;
}

/** Options of the store under test: everything seeded, nothing on timers, checkpoints often. */
export function testOptions(random: Random, deferred: (() => void)[]): StoreOptions {
  let time = 0;
  return {
    random: (count) => random.fill(new Uint8Array(count)),
    clock: () => ++time,
    defer: (task) => deferred.push(task),
    journalSize: random.pick([1000, 20000, 1 << 20]),
    cacheSize: 64 * 4096,
    tableCacheSize: random.pick([0, 1 << 20]),
    checkpointPortion: random.pick([1, 4, 512]),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

interface Change {
  name: string;
  key: string;
  value: Uint8Array | undefined;
}

const keyOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));

/** Does random things to a store and, at the same time, to a model of it. */
export class History {
  readonly random: Random;
  readonly store: Store;
  readonly options: HistoryOptions;
  state: ModelState = new Map();
  operations = 0;
  #names = 0;

  constructor(random: Random, store: Store, options: HistoryOptions) {
    this.random = random;
    this.store = store;
    this.options = options;
  }

  #set(name: string, object: ModelObject | undefined): void {
    const state = new Map(this.state);
    if (object === undefined) state.delete(name);
    else state.set(name, object);
    this.state = state;
    this.options.onVersion(state);
  }

  #heads(kind?: 'map' | 'volume'): string[] {
    return [...this.state].flatMap(([name, object]) =>
      !name.includes('@') && (kind === undefined || object.kind === kind) ? [name] : [],
    );
  }

  #snapshotsOf(name: string): string[] {
    return [...this.state.keys()].filter((other) => other.startsWith(`${name}@`)).sort();
  }

  /** Goes on from a state, with names that are not in it. */
  resume(state: ModelState): void {
    this.state = state;
    for (const name of state.keys()) {
      for (const number of name.match(/\d+/g) ?? []) {
        this.#names = Math.max(this.#names, Number(number) + 1);
      }
    }
  }

  /** One random operation. */
  step(): void {
    this.operations++;
    // What has become free is taken again at once, as on a full disk.
    if (this.random.chance(0.2)) this.store.core.blocks.space.rewind();
    const heads = this.#heads();
    const dice = this.random.int(0, 99);
    if (heads.length === 0 || (dice < 4 && heads.length < 6)) this.#create();
    else if (dice < 45) this.#change();
    else if (dice < 60) this.#transact();
    else if (dice < 68) this.#snapshot(this.random.pick(heads));
    else if (dice < 73) this.#branch();
    else if (dice < 78) this.#deleteSnapshot();
    else if (dice < 81) this.#restore();
    else if (dice < 83) this.#deleteHead(this.random.pick(heads));
    else if (dice < 86) this.#resize();
    else if (dice < 88) this.#compact();
    else if (dice < 95) this.options.onSync(this.store.sync());
    else this.options.onSync(this.store.checkpoint());
  }

  #newName(): string {
    return `o${this.#names++}`;
  }

  #create(): void {
    const name = this.#newName();
    if (this.random.chance(0.5)) {
      const size = this.random.int(1, this.options.volumeSize);
      this.options.onSync(ignore(this.store.createVolume(name, size)));
      this.#set(name, { kind: 'volume', bytes: new Uint8Array(size) });
    } else {
      this.options.onSync(ignore(this.store.createMap(name)));
      this.#set(name, { kind: 'map', entries: new Map() });
    }
  }

  #change(): void {
    const volumes = this.#heads('volume');
    if (volumes.length === 0) return;
    const name = this.random.pick(volumes);
    const { bytes } = this.state.get(name) as ModelVolume;
    if (bytes.length === 0) return;
    const volume = this.store.volume(name);
    const { random } = this;
    let offset = random.int(0, bytes.length - 1);
    let length = random.int(1, Math.min(bytes.length - offset, random.pick([600, 9000, 70000])));
    if (random.chance(0.2)) {
      // Only whole blocks, so that zeroing is one operation.
      offset -= offset % 4096;
      length = Math.min(Math.ceil(length / 4096) * 4096, bytes.length - offset);
      const changed = bytes.slice();
      changed.fill(0, offset, offset + length);
      volume.zero(offset, length);
      this.#set(name, { kind: 'volume', bytes: changed });
      return;
    }
    const source = random.fill(new Uint8Array(length));
    const changed = bytes.slice();
    changed.set(source, offset);
    volume.write(source, offset);
    this.#set(name, { kind: 'volume', bytes: changed });
  }

  /** Changes of a transaction that is open, by map and key; undefined is a deletion. */
  #open: { transaction: Transaction; changes: Change[] } | undefined;

  /** Begins a transaction, goes on with it, or ends it; often all in one step. */
  #transact(): void {
    const maps = this.#heads('map');
    const { random } = this;
    if (this.#open === undefined) {
      if (maps.length === 0) return;
      // No other one is open, so this runs at once.
      this.#open = { transaction: this.store.beginNow(), changes: [] };
    }
    const { transaction, changes } = this.#open;
    const large = random.chance(0.1);
    for (let i = maps.length === 0 ? 0 : large ? 400 : random.int(1, 8); i > 0; i--) {
      const name = random.pick(maps);
      const key = random.int(0, 300).toString(16).padStart(4, '0');
      if (random.chance(0.3)) {
        transaction.delete(name, keyOf(key));
        changes.push({ name, key, value: undefined });
      } else {
        // Many of some size are too much for one record of the journal.
        const least = large ? 400 : 0;
        const most = large ? 900 : random.pick([10, 300, 900, 6000]);
        const value = random.fill(new Uint8Array(random.int(least, most)));
        transaction.put(name, keyOf(key), value);
        changes.push({ name, key, value });
      }
    }
    if (random.chance(0.2)) return;
    const gone = changes.some(({ name }) => !maps.includes(name));
    // What is too large for the journal waits for a running checkpoint; the model does not.
    const { core } = this.store;
    const mayWait = core.checkpointing !== undefined || core.wantsCheckpoint();
    const bytes = changes.reduce((sum, { value }) => sum + 30 + (value?.length ?? 0), 0);
    this.#open = undefined;
    if (gone || (mayWait && bytes > 40_000) || random.chance(0.1)) transaction.rollback();
    else this.#commit(transaction, changes);
  }

  #commit(transaction: Transaction, changes: Change[]): void {
    const state = new Map(this.state);
    for (const { name, key, value } of changes) {
      const entries = new Map((state.get(name) as ModelMap).entries);
      if (value === undefined) entries.delete(key);
      else entries.set(key, value);
      state.set(name, { kind: 'map', entries });
    }
    const committed = transaction.commit();
    this.state = state;
    this.options.onVersion(state);
    this.options.onSync(committed);
  }

  #snapshot(name: string): void {
    const snapshot = `s${this.#names++}`;
    this.options.onSync(this.store.snapshot(name, snapshot));
    this.#set(`${name}@${snapshot}`, this.state.get(name));
  }

  #branch(): void {
    if (this.#heads().length >= 8) return;
    const source = this.random.pick([...this.state.keys()]);
    const name = this.#newName();
    this.options.onSync(this.store.branch(source, name));
    this.#set(name, this.state.get(source));
  }

  #deleteSnapshot(): void {
    const snapshots = [...this.state.keys()].filter((name) => name.includes('@'));
    if (snapshots.length === 0) return;
    const name = this.random.pick(snapshots);
    const [object, snapshot] = name.split('@');
    this.options.onSync(this.store.deleteSnapshot(object, snapshot));
    this.#set(name, undefined);
  }

  #restore(): void {
    const name = this.random.pick(this.#heads());
    const snapshots = this.#snapshotsOf(name);
    if (snapshots.length === 0) return;
    const from = this.random.pick(snapshots);
    this.options.onSync(this.store.restore(name, from.split('@')[1]));
    this.#set(name, this.state.get(from));
  }

  #deleteHead(name: string): void {
    this.options.onSync(this.store.delete(name, { snapshots: true }));
    for (const snapshot of this.#snapshotsOf(name)) this.#set(snapshot, undefined);
    this.#set(name, undefined);
  }

  #compact(): void {
    if (this.#compacting) return;
    this.#compacting = true;
    const done = this.store.compact(this.random.pick([0, 0.2])).then(() => {
      this.#compacting = false;
    });
    // Nothing becomes visible by it; a failure must not go unnoticed.
    this.options.onSync(done);
  }
  #compacting = false;

  #resize(): void {
    const volumes = this.#heads('volume');
    if (volumes.length === 0) return;
    const name = this.random.pick(volumes);
    const { bytes } = this.state.get(name) as ModelVolume;
    // Whole blocks when shrinking: the rest of a partial one is zeroed in an operation of its own.
    let size = this.random.int(1, this.options.volumeSize);
    if (size < bytes.length) size = Math.max(4096, size - (size % 4096));
    const changed = new Uint8Array(size);
    changed.set(bytes.subarray(0, size));
    this.options.onSync(this.store.resizeVolume(name, size));
    this.#set(name, { kind: 'volume', bytes: changed });
  }
}

function ignore(promise: Promise<unknown>): Promise<void> {
  return promise.then(() => {});
}

/** Everything a store contains, read through its public face. */
export function dump(store: Store): ModelState {
  const state = new Map<string, ModelObject>();
  const read = (name: string, kind: 'map' | 'volume'): void => {
    if (kind === 'volume') {
      const volume = store.volume(name);
      state.set(name, { kind, bytes: volume.read(0, volume.size) });
    } else {
      const entries = new Map<string, Uint8Array>();
      for (const [key, value] of store.map(name).entries()) {
        entries.set(Buffer.from(key).toString('hex'), value);
      }
      state.set(name, { kind, entries });
    }
  };
  for (const { name, kind } of store.list()) read(name, kind);
  for (const { name, snapshot, kind } of store.snapshots()) read(`${name}@${snapshot}`, kind);
  return state;
}

export async function openSeeded(device: BlockDevice, seed: number): Promise<Store> {
  const random = new Random(seed);
  const deferred: (() => void)[] = [];
  // Nobody else is there to have a turn.
  return await Store.open(device, { ...testOptions(random, deferred), pause: async () => {} });
}
