import { assert } from '../../base/assert.ts';
import type { Blocks } from '../block/blocks.ts';
import type { Run } from '../block/space.ts';
import { ByteWriter } from '../bytes.ts';
import { journalRunPlaces, recordPlacesMax } from '../layout.ts';
import { encodeOperation, type Operation } from './operation.ts';
import { type JournalStart, recordBytesMax, recordPlaces, sealRecord } from './record.ts';

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
  #sequence = 1;
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
    this.#at = end.place;
    this.#sequence = end.sequence;
    this.#previousLow = end.previousLow;
    this.#previousHigh = end.previousHigh;
    this.durable = end.sequence - 1;
    this.bytesSinceCheckpoint = 0;
  }

  /** The sequence number of the last sealed record. */
  get sealed(): number {
    return this.#sequence - 1;
  }

  get hasPending(): boolean {
    return this.#pending.length > 0;
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
    } catch (error) {
      const run = this.#runs[this.#runs.length - 1];
      const left = run.place + run.count - this.#at;
      if (purpose === 'write' || left < 3 * recordPlacesMax) throw error;
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

  /**
   * Closes the record being gathered, if there is anything in it or if the next run must follow.
   */
  seal(leaveRun = false): void {
    if (this.#pending.length === 0 && !leaveRun) return;
    const operations = this.#pending.view();
    const place = this.#at;
    this.#advance(recordPlaces(operations.length), leaveRun);
    const head = {
      previousLow: this.#previousLow,
      previousHigh: this.#previousHigh,
      durable: this.durable,
      next: this.#at,
    };
    const sequence = this.#sequence++;
    const record = sealRecord(this.#blocks.file, sequence, this.#clock(), head, operations);
    this.#previousLow = record.low;
    this.#previousHigh = record.high;
    this.#queue.push({ sequence, place, bytes: record.bytes });
    this.#pending.reset();
  }

  #advance(count: number, leaveRun: boolean): void {
    const last = this.#runs[this.#runs.length - 1];
    this.#at += count;
    if (!leaveRun && last.place + last.count - this.#at >= recordPlacesMax) return;
    this.ensureRoom('write');
    assert(this.#spare !== undefined, 'the next run was taken in time');
    this.#runs.push(this.#spare);
    this.#at = this.#spare.place;
    this.#spare = undefined;
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

  /** Everything up to a record is durable, by a flush of it or by a checkpoint that covers it. */
  settle(sequence: number): void {
    this.durable = Math.max(this.durable, sequence);
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
    this.seal(true);
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
