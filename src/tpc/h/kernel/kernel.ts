import { ModuleBuilder } from '../../../wasm/index.ts';
import { linesMax } from '../constants.ts';
import type { KernelConfig } from './config.ts';
import { Image } from './image.ts';
import { ArenaLayout, memoryMap } from './memory-map.ts';
import { defineOrderTables } from './order-plan.ts';
import { partSuppTable, partTable } from './parts.ts';
import { customerTable, supplierTable } from './people.ts';
import { nationTable, regionTable } from './places.ts';
import type { GroupPlan, KernelPlan } from './plan.ts';
import { defineRowTable, type KernelBuild, unitsPerBatch } from './table.ts';
import { defineFillChunk, defineRequireText } from './text-pool.ts';

/** The longest text of a column, and what a whole slot may write beyond it. */
const stringBytesMax = 256;
const scratchBytes = 65536 + 1024;

export interface Kernel {
  readonly plan: KernelPlan;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The number of pages of a memory with room for some arenas. */
export function memoryPages(plan: KernelPlan, arenas: number): number {
  return Math.ceil((memoryMap.arenas + arenas * plan.arenaBytes) / 65536);
}

/** How many arenas a memory of 4 GiB has room for. */
export function arenasMax(plan: KernelPlan): number {
  return Math.floor((2 ** 32 - 65536 - memoryMap.arenas) / plan.arenaBytes);
}

/** Builds the module that generates tables of one scale factor in one form. */
export function buildKernel(config: KernelConfig, shared: boolean): Kernel {
  const module = new ModuleBuilder({ name: 'tpch' });
  const image = new Image(memoryMap.image, memoryMap.imageEnd);
  const arena = new ArenaLayout();
  // How large the memory must be is known when everything has its place: see memoryPages.
  module.importMemory('env', 'memory', { min: 1, max: 65536, shared });
  const scratch = arena.reserve(scratchBytes);
  const fillChunk = defineFillChunk(module, image, memoryMap);
  defineRequireText(module, memoryMap, fillChunk);
  const groups = defineGroups({ module, config, image, arena });
  const rows = config.output === 'columns' ? unitsPerBatch * linesMax : 0;
  const plan: KernelPlan = {
    config,
    scratch,
    strings: arena.reserve(rows * stringBytesMax),
    stringOffsets: arena.reserve(4 * (rows + 1)),
    arenaBytes: (arena.size + 65535) & ~65535,
    image: image.bytes,
    groups,
  };
  return { plan, bytes: module.toBytes() };
}

function defineGroups(build: KernelBuild): GroupPlan[] {
  const { tables, apart } = build.config;
  const groups: GroupPlan[] = [];
  const orderTables = (['orders', 'lineitem'] as const).filter((table) => tables.includes(table));
  const orderGroups = apart === true ? orderTables.map((table) => [table]) : [orderTables];
  for (const group of orderGroups) {
    if (group.length > 0) groups.push(defineOrderTables(build, group));
  }
  if (tables.includes('partsupp')) groups.push(defineRowTable(build, partSuppTable(build), 1));
  if (tables.includes('part')) groups.push(defineRowTable(build, partTable(build), 1));
  if (tables.includes('customer')) groups.push(defineRowTable(build, customerTable(build), 1));
  if (tables.includes('supplier')) groups.push(defineRowTable(build, supplierTable(build), 1));
  if (tables.includes('nation')) groups.push(defineRowTable(build, nationTable(build), 0));
  if (tables.includes('region')) groups.push(defineRowTable(build, regionTable(build), 0));
  return groups;
}
