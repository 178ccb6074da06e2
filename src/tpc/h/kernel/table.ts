import {
  type Expr,
  type FunctionBuilder,
  i32,
  i64,
  type Local,
  type ModuleBuilder,
} from '../../../wasm/index.ts';
import type { StreamConstant } from '../constants.ts';
import type { TableName } from '../scale.ts';
import type { Column, RowPointers } from './columns.ts';
import { type KernelConfig, type TextStyle, textStyles } from './config.ts';
import type { Image } from './image.ts';
import type { ArenaLayout } from './memory-map.ts';
import type { ColumnPlan, GroupName, GroupPlan } from './plan.ts';
import { Stream } from './random.ts';
import { advanceRows, type CommentColumns, rowPointers } from './rows.ts';
import { TextWriter } from './text-writer.ts';

/** Units (rows; for lineitem orders, for partsupp parts) that one call of a kernel fills. */
export const unitsPerBatch = 512;

/** What the parts of a kernel are built with. */
export interface KernelBuild {
  readonly module: ModuleBuilder;
  readonly config: KernelConfig;
  readonly image: Image;
  readonly arena: ArenaLayout;
}

/** A field of a line of text: what writes its value from the columns of a row. */
export interface TextField {
  readonly write: (writer: TextWriter, row: RowPointers) => void;
  /** Whether the value may contain a separator. */
  readonly free?: boolean;
}

/** A table whose rows come one after the other, each from its own draws. */
export interface RowTable<S extends string = string> {
  readonly name: GroupName;
  readonly streams: Readonly<Record<S, StreamConstant>>;
  readonly rowsPerUnit: number;
  /** An upper bound of the bytes of a row as text. */
  readonly rowBytesMax: number;
  readonly comment: CommentColumns;
  /** Fills the row of a key (i64, from 0 on for nation and region, else 1), and those after it. */
  readonly generate: (
    f: FunctionBuilder,
    streams: Readonly<Record<S, Stream>>,
    row: RowPointers,
    key: Local,
  ) => void;
  readonly fields: readonly TextField[];
  readonly columns: readonly (ColumnPlan | { readonly form: 'field'; readonly field: TextField })[];
}

/** Reserves columns for the rows of a batch. */
export function columnMaker(arena: ArenaLayout, rowsPerUnit: number) {
  return (width: Column['width']): Column => ({
    offset: arena.reserve(width * unitsPerBatch * rowsPerUnit),
    width,
  });
}

/** Reserves a slot for the seed of every stream. */
export function streamSlots<K extends string>(
  arena: ArenaLayout,
  streams: Readonly<Record<K, unknown>>,
): Record<K, number> {
  const entries = Object.keys(streams).map((name) => [name, arena.reserve(8)]);
  return Object.fromEntries(entries) as Record<K, number>;
}

/** Loads streams into locals. */
export function openStreams<K extends string>(
  f: FunctionBuilder,
  arena: Local,
  constants: Readonly<Record<K, StreamConstant>>,
  slots: Readonly<Record<K, number>>,
): Record<K, Stream> {
  const entries = Object.entries<StreamConstant>(constants).map(([name, constant]) => {
    return [name, new Stream(f, arena, slots[name as K], constant)];
  });
  return Object.fromEntries(entries) as Record<K, Stream>;
}

/** Defines the functions of a table and says how to use them. */
export function defineRowTable<S extends string>(
  build: KernelBuild,
  table: RowTable<S>,
  firstKey: number,
): GroupPlan {
  const { module, config, arena } = build;
  const slots = streamSlots(arena, table.streams);
  const generate = `generate_${table.name}`;
  const params = { arena: 'i32', first: 'i64', count: 'i32', sequence: 'i64' } as const;
  module.func(generate, { params, results: ['i32'], export: true }, (f) => {
    const { first, count } = f.param;
    const streams = openStreams(f, f.param.arena, table.streams, slots);
    const row = rowPointers(f, f.param.arena);
    const i = f.local('i32', 'i');
    f.for(i, 0, count, () => {
      const index = i64.add(first, i64.extendI32U(i));
      table.generate(f, streams, row, f.let(i64.add(index, firstKey - 1), 'key'));
      advanceRows(f, row);
    });
    for (const stream of Object.values<Stream>(streams)) stream.save();
    f.return(i32.mul(count, table.rowsPerUnit));
  });
  const format = `format_${table.name}`;
  if (config.output !== 'columns') defineFormat(build, table, format, textStyles[config.output]);
  const columns = config.output === 'columns' ? table.columns : [];
  return {
    name: table.name,
    generate,
    streams: Object.entries<StreamConstant>(table.streams).map(([name, constant]) => ({
      ...constant,
      slot: slots[name as S],
      long: false,
    })),
    tables: [
      {
        name: table.name,
        format,
        text: reserveText(build, table.rowsPerUnit * table.rowBytesMax, 8192 / table.rowsPerUnit),
        comment: table.comment,
        columns: columns.map((column, index) =>
          column.form === 'field' ? defineStrings(build, table.name, index, column.field) : column,
        ),
      },
    ],
  };
}

/** Room for the text of some units; none if columns are wanted. */
export function reserveText(build: KernelBuild, unitBytesMax: number, units: number) {
  if (build.config.output === 'columns') return { address: 0, units };
  return { address: build.arena.reserve(unitBytesMax * units), units };
}

function defineFormat<S extends string>(
  build: KernelBuild,
  table: RowTable<S>,
  name: string,
  style: TextStyle,
): void {
  const params = { arena: 'i32', count: 'i32', to: 'i32' } as const;
  build.module.func(name, { params, results: ['i32'], export: true }, (f) => {
    const { arena, count, to } = f.param;
    const writer = new TextWriter(f, to);
    const row = rowPointers(f, arena);
    const i = f.local('i32', 'i');
    f.for(i, 0, i32.mul(count, table.rowsPerUnit), () => {
      table.fields.forEach((field, index) => {
        const quote = field.free === true ? style.quote : '';
        const last = index === table.fields.length - 1;
        if (quote !== '') writer.text(quote);
        field.write(writer, row);
        writer.text(quote + (last ? style.lineEnd : style.separator));
      });
      advanceRows(f, row);
    });
    f.return(to);
  });
}

/**
 * Defines strings(arena, rows, to, offsets): writes the texts of a column back to back from `to`
 * on, and where each starts, relative to `to`, at `offsets`; returns the number of bytes.
 */
export function defineStrings(
  build: KernelBuild,
  table: TableName,
  index: number,
  field: TextField,
): ColumnPlan {
  const strings = `strings_${table}_${index}`;
  const params = { arena: 'i32', rows: 'i32', to: 'i32', offsets: 'i32' } as const;
  build.module.func(strings, { params, results: ['i32'], export: true }, (f) => {
    const { arena, rows, to, offsets } = f.param;
    const start = f.let(to, 'start');
    const writer = new TextWriter(f, to);
    const row = rowPointers(f, arena);
    const i = f.local('i32', 'i');
    const position = (): Expr => i32.sub(to, start);
    f.for(i, 0, rows, () => {
      f.do(i32.store(i32.add(offsets, i32.shl(i, 2)), position()));
      field.write(writer, row);
      advanceRows(f, row);
    });
    f.do(i32.store(i32.add(offsets, i32.shl(rows, 2)), position()));
    f.return(position());
  });
  return { form: 'string', strings };
}
