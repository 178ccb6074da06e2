/**
 * The WebAssembly that decodes column chunks: a function for each form of stored values and each
 * target, called with the address of a chunk's description (see `layout.ts`). It uncompresses page
 * after page, reads the levels, and leaves values, NULL mask and texts where they are used, in the
 * width that they have there. What it writes stays within the areas it is given for any input.
 */

import {
  type Expr,
  type Func,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  ModuleBuilder,
  memory,
} from '../../../wasm/index.ts';
import { decompressFunc } from '../../compression/snappy-code.ts';
import { deltaResult, deltasFunc, lengthTextsFunc } from './delta-code.ts';
import { hybridFunc } from './hybrid-code.ts';
import {
  chunkField,
  decoderName,
  decodeStatus,
  type IntWidth,
  pageField,
  pageFieldBytes,
  pageFlag,
  type StoredForm,
} from './layout.ts';
import { countOnesFunc, spreadFunc, spreadOffsetsFunc } from './null-code.ts';
import { booleansFunc, floatsFunc, integersFunc } from './plain-code.ts';
import { codedTextsFunc, notAsciiFunc, plainTextsFunc, textResult } from './text-code.ts';

const widths: readonly IntWidth[] = [1, 2, 4, 8];

/** The binary module; it imports `env.memory` and exports what {@link decoderName} names. */
export function decodeCode(shared: boolean): Uint8Array<ArrayBuffer> {
  const m = new ModuleBuilder({ name: 'parquet' });
  m.importMemory('env', 'memory', { min: 1, max: 65536, shared });
  const routines = newRoutines(m);
  const add = (form: StoredForm, target: IntWidth | 'codes' | 'texts', values: Values) => {
    const params = { chunk: 'i32' } as const;
    m.func(decoderName(form, target), { params, results: ['i32'], export: true }, (f) => {
      new ChunkDecoder(f, routines, values).emit();
    });
  };
  for (const form of ['i32', 'u32', 'i64', 'flba'] as const) {
    for (const width of widths) {
      const stored = form === 'i64' ? 8 : form === 'flba' ? 'stride' : 4;
      const plain = integersFunc(m, form, width);
      const deltas = form === 'i32' || form === 'i64' ? deltasFunc(m, form, width) : undefined;
      add(form, width, { kind: 'fixed', width, stored, plain, deltas });
    }
  }
  add('f32', 4, { kind: 'fixed', width: 4, stored: 4, plain: floatsFunc(m, 4), deltas: undefined });
  add('f64', 8, { kind: 'fixed', width: 8, stored: 8, plain: floatsFunc(m, 8), deltas: undefined });
  add('boolean', 1, {
    kind: 'fixed',
    width: 1,
    stored: 'bit',
    plain: booleansFunc(m),
    deltas: undefined,
  });
  for (const width of [1, 2, 4] as const) {
    m.export(decoderName('texts', width), codesDecoder(m, routines, width));
  }
  add('texts', 'texts', { kind: 'texts' });
  return m.toBytes();
}

/** Texts that are all codes of a dictionary, as other codes. */
function codesDecoder(m: ModuleBuilder, routines: Routines, width: IntWidth): Func {
  const params = { chunk: 'i32' } as const;
  return m.func(`codes_${width}`, { params, results: ['i32'] }, (f) => {
    new ChunkDecoder(f, routines, { kind: 'codes', width }).emit();
  });
}

/** What the values of a column are, as stored and as wanted. */
type Values =
  | {
      readonly kind: 'fixed';
      readonly width: IntWidth;
      /** Bytes a plain value. */
      readonly stored: 4 | 8 | 'stride' | 'bit';
      readonly plain: Func;
      /** For packed deltas, where they can be. */
      readonly deltas: Func | undefined;
    }
  | { readonly kind: 'codes'; readonly width: IntWidth }
  | { readonly kind: 'texts' };

function newRoutines(m: ModuleBuilder) {
  const byWidth = (make: (width: IntWidth) => Func) =>
    new Map(widths.map((width) => [width, make(width)]));
  return {
    decompress: decompressFunc(m),
    hybrid: byWidth((width) => hybridFunc(m, width)),
    codes: hybridFunc(m, 'plain'),
    countOnes: countOnesFunc(m),
    spread: byWidth((width) => spreadFunc(m, width)),
    spreadOffsets: spreadOffsetsFunc(m),
    plainTexts: plainTextsFunc(m),
    codedTexts: codedTextsFunc(m),
    notAscii: notAsciiFunc(m),
    lengths: deltasFunc(m, 'i32', 4),
    lengthTexts: lengthTextsFunc(m),
  };
}

type Routines = ReturnType<typeof newRoutines>;

/** One function: the pages of a chunk, one after the other. */
class ChunkDecoder {
  readonly f: FunctionBuilder<{ chunk: 'i32' }>;
  readonly routines: Routines;
  readonly values: Values;
  readonly page: Local;
  readonly from: Local;
  readonly to: Local;
  readonly rows: Local;
  /** Values of the page that are not NULL. */
  readonly valid: Local;
  readonly flags: Local;
  /** Rows of the pages before. */
  readonly done: Local;
  readonly nulls: Local;
  readonly data: Local;
  readonly used: Local;

  constructor(f: FunctionBuilder<{ chunk: 'i32' }>, routines: Routines, values: Values) {
    this.f = f;
    this.routines = routines;
    this.values = values;
    const local = (name: string) => f.local('i32', name);
    this.page = local('page');
    this.from = local('from');
    this.to = local('to');
    this.rows = local('rows');
    this.valid = local('valid');
    this.flags = local('flags');
    this.done = local('done');
    this.nulls = local('nulls');
    this.data = local('data');
    this.used = local('used');
  }

  emit(): void {
    const { f, page, rows, done, nulls, data, used } = this;
    const pages = f.let(this.#chunk('pageCount'), 'pages');
    f.set(page, this.#chunk('pages'));
    f.set(nulls, this.#chunk('nulls'));
    f.set(data, this.#chunk('data'));
    f.while(pages, () => {
      f.set(rows, this.#page('rows'));
      f.set(this.flags, this.#page('flags'));
      f.set(this.from, this.#page('from'));
      f.set(this.to, this.#page('to'));
      this.#uncompress();
      this.#readLevels();
      f.if(this.valid, () => this.#readValues());
      this.#spread();
      f.set(done, i32.add(done, rows));
      f.set(nulls, i32.select(nulls, i32.add(nulls, rows), 0));
      f.set(data, i32.add(data, this.#times(rows)));
      f.set(page, i32.add(page, pageFieldBytes));
      f.set(pages, i32.sub(pages, 1));
    });
    if (this.values.kind === 'texts') {
      f.do(i32.store(f.param.chunk, used, chunkField.heapUsed));
      const heap = f.let(this.#chunk('heap'), 'heap');
      const notAscii = this.routines.notAscii.call(heap, i32.add(heap, used));
      f.do(i32.store(f.param.chunk, notAscii, chunkField.notAscii));
    }
    f.return(decodeStatus.done);
  }

  #chunk(field: Exclude<keyof typeof chunkField, 'base' | 'min' | 'span'>): Expr {
    return i32.load(this.f.param.chunk, chunkField[field]);
  }

  #page(field: keyof typeof pageField): Expr {
    return i32.load(this.page, pageField[field]);
  }

  #has(flag: keyof typeof pageFlag): Expr {
    return i32.and(this.flags, pageFlag[flag]);
  }

  #fail(status: keyof typeof decodeStatus): void {
    this.f.return(decodeStatus[status]);
  }

  /** Bytes of so many rows in the output. */
  #times(rows: Expr): Expr {
    const width = this.values.kind === 'texts' ? 4 : this.values.width;
    return width === 1 ? rows : i32.shl(rows, Math.log2(width));
  }

  #uncompress(): void {
    const { f, from, to } = this;
    f.if(this.#has('snappy'), () => {
      const scratch = f.let(this.#chunk('scratch'), 'scratch');
      const end = f.let(i32.add(scratch, this.#page('size')), 'end');
      const good = this.routines.decompress.call(from, to, scratch, end);
      f.if(i32.eqz(good), () => this.#fail('broken'));
      f.set(from, scratch);
      f.set(to, end);
    });
  }

  /** Sets `valid`, and the NULL mask of the page's rows. */
  #readLevels(): void {
    const { f, from, to, rows, valid, nulls } = this;
    f.set(valid, rows);
    f.if(nulls, () => {
      const levels = f.let(this.#page('levelsFrom'), 'levels');
      const end = f.let(this.#page('levelsTo'), 'levelsEnd');
      f.if(this.#has('levels'), () => {
        f.if(i32.ltU(i32.sub(to, from), 4), () => this.#fail('broken'));
        f.set(levels, i32.add(from, 4));
        const size = f.let(i32.load(from, 0, 1), 'size');
        f.if(i32.gtU(size, i32.sub(to, levels)), () => this.#fail('broken'));
        f.set(end, i32.add(levels, size));
        f.set(from, end);
      });
      f.if(
        this.#isOneRun(levels, end),
        () => f.do(memory.fill(nulls, 0, rows)),
        () => this.#readMask(levels, end),
      );
    });
  }

  /** Whether the levels are one run of ones, as they are in most pages without NULLs. */
  #isOneRun(levels: Local, end: Local): Expr {
    const { f, rows } = this;
    // Such a run has a head of three bytes, for 8192 rows to a million, and one for its value.
    const word = f.let(i32.load(levels, 0, 1), 'word');
    const size = f.let(i32.sub(end, levels), 'levelBytes');
    const head = f.let(i32.shl(rows, 1), 'head');
    const low = i32.or(i32.and(head, 127), 0x80);
    const middle = i32.shl(i32.or(i32.and(i32.shrU(head, 7), 127), 0x80), 8);
    const high = i32.shl(i32.and(i32.shrU(head, 14), 127), 16);
    const expected = i32.or(i32.or(low, middle), i32.or(high, 1 << 24));
    return i32.and(i32.and(i32.eq(size, 4), i32.eq(word, expected)), i32.ltU(head, 1 << 21));
  }

  #readMask(levels: Local, end: Local): void {
    const { f, rows, valid, nulls } = this;
    const meanings = i32.add(f.param.chunk, chunkField.levels);
    const { hybrid, countOnes } = this.routines;
    const read = hybrid.get(1)!.call(levels, end, 1, rows, meanings, 2, nulls);
    f.if(rows, () => f.if(i32.eqz(read), () => this.#fail('broken')));
    const missing = f.let(countOnes.call(nulls, rows), 'missing');
    f.set(valid, i32.sub(rows, missing));
    const nullCount = i32.add(this.#chunk('nullCount'), missing);
    f.do(i32.store(f.param.chunk, nullCount, chunkField.nullCount));
  }

  #readValues(): void {
    const { f, values } = this;
    f.if(
      this.#has('dictionary'),
      () => this.#readCodes(),
      () => {
        if (values.kind === 'codes') this.#fail('broken');
        else {
          f.if(
            this.#has('deltas'),
            () => (values.kind === 'texts' ? this.#readLengthTexts() : this.#readDeltas(values)),
            () => (values.kind === 'texts' ? this.#readTexts() : this.#readPlain(values)),
          );
        }
      },
    );
  }

  #readCodes(): void {
    const { f, from, to, valid, data, values } = this;
    f.if(i32.geU(from, to), () => this.#fail('broken'));
    const width = f.let(i32.load8U(from), 'codeWidth');
    const at = f.let(i32.add(from, 1), 'codesAt');
    const entries = this.#chunk('entryCount');
    const table = this.#chunk('table');
    if (values.kind !== 'texts') {
      const hybrid = this.routines.hybrid.get(values.width)!;
      const read = hybrid.call(at, to, width, valid, table, entries, data);
      f.if(i32.eqz(read), () => this.#fail('broken'));
      return;
    }
    const codes = f.let(this.#chunk('codes'), 'codes');
    const read = this.routines.codes.call(at, to, width, valid, 0, entries, codes);
    f.if(i32.eqz(read), () => this.#fail('broken'));
    const bytes = this.#chunk('entryBytes');
    const { codedTexts } = this.routines;
    this.#noteTexts(
      codedTexts.call(
        codes,
        valid,
        table,
        bytes,
        data,
        this.#chunk('heap'),
        this.used,
        this.#room(),
      ),
    );
  }

  #readPlain(values: Extract<Values, { kind: 'fixed' }>): void {
    const { f, from, to, valid, data } = this;
    const stride = f.let(
      values.stored === 'stride' ? this.#chunk('stride') : i32.const(Number(values.stored) || 0),
      'stride',
    );
    const bytes =
      values.stored === 'bit'
        ? i64.extendI32U(i32.shrU(i32.add(valid, 7), 3))
        : i64.mul(i64.extendI32U(valid), i64.extendI32U(stride));
    f.if(i64.gtU(bytes, i64.extendI32U(i32.sub(to, from))), () => this.#fail('broken'));
    const { chunk } = f.param;
    const bound = (field: 'base' | 'min' | 'span') => i64.load(chunk, chunkField[field]);
    const { plain } = values;
    const good = plain.call(from, valid, stride, bound('base'), bound('min'), bound('span'), data);
    f.if(i32.eqz(good), () => this.#fail('outOfBounds'));
  }

  #readDeltas({ deltas }: Extract<Values, { kind: 'fixed' }>): void {
    const { f, from, to, valid, data } = this;
    if (deltas === undefined) {
      this.#fail('broken');
      return;
    }
    const bound = (field: 'base' | 'min' | 'span') => i64.load(f.param.chunk, chunkField[field]);
    const end = deltas.call(from, to, valid, bound('base'), bound('min'), bound('span'), data);
    this.#checkDeltas(f.let(end, 'deltasEnd'));
  }

  #checkDeltas(end: Local): void {
    const { f } = this;
    f.if(i32.eq(end, deltaResult.broken), () => this.#fail('broken'));
    f.if(i32.eq(end, deltaResult.outOfBounds), () => this.#fail('outOfBounds'));
  }

  /** First the lengths, as packed deltas, then the texts back to back. */
  #readLengthTexts(): void {
    const { f, from, to, valid, data, used } = this;
    const lengths = f.let(this.#chunk('codes'), 'lengths');
    const { lengths: readLengths, lengthTexts } = this.routines;
    const read = readLengths.call(from, to, valid, 0n, 0n, 0x7fffffffn, lengths);
    const end = f.let(read, 'lengthsEnd');
    f.if(i32.leU(end, 1), () => this.#fail('broken'));
    const heap = this.#chunk('heap');
    this.#noteTexts(lengthTexts.call(end, to, lengths, valid, data, heap, used, this.#room()));
  }

  #readTexts(): void {
    const { from, to, valid, data, used } = this;
    const heap = this.#chunk('heap');
    const { plainTexts } = this.routines;
    this.#noteTexts(plainTexts.call(from, to, valid, data, heap, used, this.#room()));
  }

  #room(): Expr {
    return i32.sub(this.#chunk('heapEnd'), this.#chunk('heap'));
  }

  #noteTexts(result: Expr): void {
    const { f, used } = this;
    const after = f.let(result, 'after');
    f.if(i32.eq(after, textResult.broken), () => this.#fail('broken'));
    f.if(i32.eq(after, textResult.full), () => this.#fail('heapFull'));
    f.set(used, after);
  }

  #spread(): void {
    const { f, values, rows, valid, nulls, data } = this;
    f.if(i32.ne(valid, rows), () => {
      if (values.kind !== 'texts') {
        f.call(this.routines.spread.get(values.width)!, data, nulls, rows, valid);
        return;
      }
      // A page of NULLs alone has written no offset.
      f.if(i32.eqz(valid), () => f.do(i32.store(data, this.used)));
      f.call(this.routines.spreadOffsets, data, nulls, rows, valid);
    });
  }
}
