import { assert } from '../../base/assert.ts';
import type { Blocks } from '../block/blocks.ts';
import type { Run } from '../block/space.ts';
import { ByteWriter } from '../bytes.ts';
import { journalRunPlaces, recordPlacesMax } from '../layout.ts';
import { encodeOperation, type Operation } from './operation.ts';
import { type JournalStart, recordBytesMax, recordPlaces, sealRecord } from './record.ts';

/** A run is left with so many places at least: for any record, and one that announces the next. */
const runReserve = recordPlacesMax + 1;
const nothing = new Uint8Array(0);

/** A record that waits to be written. */
interface Sealed {
  sequence: number;
  place: number;
  bytes: Uint8Array;
}

/**
 * The operations since the last checkpoint, so that making one durable costs a record and a flush
 * instead of rewritten trees. Operations are gathered until someone wants them durable; everything
 * gathered by then shares one record and one flush (group commit).
 *
 * A record that a crash has torn and one that was damaged later look alike, and only the first may
 * be forgotten. So every record says up to which number the journal was durable when it was
 * written; if none follows soon, one without operations says it ({@link confirm}). And a run of
 * places is announced by a record in the run before, so that what is in it can be found although
 * the record that leads to it is lost.
 */
export class Journal {
  readonly #blocks: Blocks;
  #pending = new ByteWriter();
  readonly #scratch = new ByteWriter();
  #queue: Sealed[] = [];
  /** Runs of places in order; the last ones hold `#at` and what follows it. */
  #runs: Run[] = [];
  #spare: Run | undefined;
  #at = 0;
  /** A record on the device, or the superblock, names the run that is set aside. */
  #announced = false;
  #sequence = 1;
  /** The last record that has operations. */
  #meaningful = 0;
  /** A record further on, or a checkpoint, says that everything up to here is durable. */
  #confirmed = 0;
  #previousLow = 0;
  #previousHigh = 0;
  /** The last record known to have survived a flush. */
  durable = 0;
  /** Bytes of operations since the last checkpoint. */
  bytesSinceCheckpoint = 0;

  /** Tells the running transaction, a part of each record's identity. */
  readonly #clock: () => number;

  constructor(blocks: Blocks, clock: () => number) {
    this.#blocks = blocks;
    this.#clock = clock;
  }

  /** Begins the journal of a new store. */
  begin(): void {
    const run = this.#blocks.space.takeMetaRun(journalRunPlaces);
    this.resume([run], undefined, {
      place: run.place,
      sequence: 1,
      previousLow: 0,
      previousHigh: 0,
    });
  }

  /**
   * Continues a journal where it ended. That needs no places, so a full store can be opened; what a
   * crash may have left behind that point does not continue the chain of checksums.
   */
  resume(runs: Run[], spare: Run | undefined, end: JournalStart): void {
    this.#runs = runs;
    this.#spare = spare;
    this.#announced = spare !== undefined;
    this.#at = end.place;
    this.#sequence = end.sequence;
    this.#previousLow = end.previousLow;
    this.#previousHigh = end.previousHigh;
    this.durable = end.sequence - 1;
    this.#meaningful = this.durable;
    this.#confirmed = this.durable;
    this.bytesSinceCheckpoint = 0;
  }

  /** The sequence number of the last sealed record. */
  get sealed(): number {
    return this.#sequence - 1;
  }

  /** When this record is durable, everything appended so far is. */
  get wanted(): number {
    return this.#pending.length > 0 ? this.#sequence : this.#meaningful;
  }

  /** Is there a record that is durable, and none after it that says so? */
  get unconfirmed(): boolean {
    return Math.min(this.#meaningful, this.durable) > this.#confirmed;
  }

  /**
   * Makes sure that the next records find their places; must precede every change. A run is set
   * aside as soon as the last one is in use. On a full disk that throws 53100, unless the change is
   * a deletion and the current run will do.
   */
  ensureRoom(purpose: 'write' | 'delete'): void {
    if (this.#spare !== undefined) return;
    try {
      this.#spare = this.#blocks.space.takeMetaRun(journalRunPlaces);
      this.#announced = false;
    } catch (error) {
      if (purpose === 'write' || this.#left < 3 * recordPlacesMax) throw error;
    }
  }

  /** Adds operations that belong together: they will be in one record. */
  append(operations: Uint8Array): void {
    assert(operations.length <= recordBytesMax, 'what belongs together fits a record');
    if (this.#pending.length + operations.length > recordBytesMax) this.seal();
    this.#pending.raw(operations);
    this.bytesSinceCheckpoint += operations.length;
  }

  appendOperation(operation: Operation): void {
    this.#scratch.reset();
    encodeOperation(this.#scratch, operation);
    this.append(this.#scratch.view());
  }

  /** Closes the record being gathered, if there is anything in it. */
  seal(): void {
    if (this.#pending.length === 0) return;
    this.#seal(this.#pending.view());
    this.#pending.reset();
  }

  /**
   * Seals a record that says how far the journal is durable: with what has been gathered or, if
   * that is nothing, empty.
   */
  confirm(): void {
    if (this.#pending.length > 0) this.seal();
    else this.#seal(nothing);
  }

  /** Places of the current run that are left. */
  get #left(): number {
    const run = this.#runs[this.#runs.length - 1];
    return run.place + run.count - this.#at;
  }

  #seal(operations: Uint8Array, leaveRun = false): void {
    const left = this.#left - recordPlaces(operations.length);
    const leave = leaveRun || left < runReserve;
    if (leave) {
      this.ensureRoom('write');
      // A journal that an earlier version wrote may have no place left for this.
      if (!this.#announced && left > 0) this.#queueRecord(nothing, false);
    }
    this.#queueRecord(operations, leave);
  }

  #queueRecord(operations: Uint8Array, leaveRun: boolean): void {
    const place = this.#at;
    this.#at += recordPlaces(operations.length);
    if (leaveRun) {
      assert(this.#spare !== undefined, 'the next run was taken in time');
      this.#runs.push(this.#spare);
      this.#at = this.#spare.place;
      this.#spare = undefined;
    }
    const head = {
      previousLow: this.#previousLow,
      previousHigh: this.#previousHigh,
      durable: this.durable,
      next: this.#at,
      spare: this.#spare?.place ?? 0,
    };
    const sequence = this.#sequence++;
    const record = sealRecord(this.#blocks.file, sequence, this.#clock(), head, operations);
    this.#previousLow = record.low;
    this.#previousHigh = record.high;
    this.#announced = this.#spare !== undefined;
    this.#confirmed = Math.max(this.#confirmed, this.durable);
    if (operations.length > 0) this.#meaningful = sequence;
    this.#queue.push({ sequence, place, bytes: record.bytes });
  }

  /**
   * Writes the sealed records up to number `last`; the caller flushes, then says {@link settle}.
   * Returns the number of the last record written so far.
   */
  write(last = Number.MAX_SAFE_INTEGER): number {
    const { file } = this.#blocks;
    let written = 0;
    for (const record of this.#queue) {
      if (record.sequence > last) break;
      file.write(record.bytes, record.place, 'journalWritten');
      written++;
    }
    this.#queue.splice(0, written);
    return this.#queue.length === 0 ? this.sealed : this.#queue[0].sequence - 1;
  }

  /** A flush has made everything up to a record durable. */
  settle(sequence: number): void {
    this.durable = Math.max(this.durable, sequence);
  }

  /** A checkpoint that covers everything up to a record is durable. */
  cover(sequence: number): void {
    this.settle(sequence);
    this.#confirmed = Math.max(this.#confirmed, sequence);
    // A checkpoint can overtake records that wait: their places are no longer the journal's.
    this.#queue = this.#queue.filter((record) => record.sequence > this.durable);
  }

  /** Where the records that the next checkpoint does not cover will begin. */
  start(): JournalStart {
    assert(this.#pending.length === 0, 'a checkpoint covers whole records');
    return {
      place: this.#at,
      sequence: this.#sequence,
      previousLow: this.#previousLow,
      previousHigh: this.#previousHigh,
    };
  }

  /** A checkpoint covers all records so far: the places of all but the current run die with it. */
  retireCovered(): void {
    while (this.#runs.length > 1) {
      this.#retire(this.#runs[0]);
      this.#runs.shift();
    }
    this.bytesSinceCheckpoint = 0;
  }

  /**
   * Continues in a fresh run, so that the segment of the current one can be emptied. The record
   * before has to name the new place, so an empty record is written for that.
   */
  move(): void {
    this.seal();
    const fresh = this.#blocks.space.takeMetaRun(journalRunPlaces);
    for (let i = 0; this.#spare !== undefined && i < this.#spare.count; i++) {
      this.#blocks.space.discard(this.#spare.place + i);
    }
    this.#spare = fresh;
    this.#announced = false;
    this.#seal(nothing, true);
  }

  get hasSpare(): boolean {
    return this.#spare !== undefined;
  }

  /** The runs that are taken, in order; the spare one last. */
  get places(): Run[] {
    return this.#spare === undefined ? this.#runs : [...this.#runs, this.#spare];
  }

  #retire(run: Run): void {
    for (let i = 0; i < run.count; i++) this.#blocks.retirePlace(run.place + i);
  }
}
