/** The text format of modules, as wabt reads it. */
import { Func, Memory, Table } from './entities.ts';
import { groupByType, numberEntities } from './layout.ts';
import type { Entity, ModuleContents } from './module.ts';
import { identifier, indent, nameOf, printNode, signature, TextSink } from './text-sink.ts';
import type { Limits } from './types.ts';

function string(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\${byte.toString(16).padStart(2, '0')}`;
  }
  return `"${text}"`;
}

function quote(text: string): string {
  return string(new TextEncoder().encode(text));
}

function limits({ min, max }: Limits): string {
  return max === undefined ? `${min}` : `${min} ${max}`;
}

/** An entity as imports and declarations write it. */
function describe(entity: Entity): string {
  if (entity instanceof Func) return `func ${nameOf(entity)}${signature(entity.type)}`;
  if (entity instanceof Table) {
    return `table ${nameOf(entity)} ${limits(entity.limits)} ${entity.type}`;
  }
  if (entity instanceof Memory) {
    return `memory ${limits(entity.limits)}${entity.shared ? ' shared' : ''}`;
  }
  const { type } = entity;
  return `global ${nameOf(entity)} ${entity.mutable ? `(mut ${type})` : type}`;
}

function reference(entity: Entity): string {
  if (entity instanceof Memory) return '(memory 0)';
  const kind = entity instanceof Func ? 'func' : entity instanceof Table ? 'table' : 'global';
  return `(${kind} ${nameOf(entity)})`;
}

function printFunc(func: Func): string {
  const { params, locals, statements } = func.body!;
  const head = [`func ${nameOf(func)}`];
  for (const param of params) head.push(`(param ${nameOf(param)} ${param.type})`);
  if (func.type.results.length > 0) head.push(`(result ${func.type.results.join(' ')})`);
  const lines = groupByType(locals)
    .flat()
    .map((local) => `(local ${nameOf(local)} ${local.type})`);
  const sink = new TextSink();
  statements.emit(sink);
  return `(${[head.join(' '), ...[...lines, ...sink.finish()].map(indent)].join('\n')})`;
}

/** A module in the text format. */
export function printModule(module: ModuleContents): string {
  numberEntities(module);
  const { funcs, tables, memory, globals } = module;
  const entities: Entity[] = [...funcs, ...tables, ...(memory ? [memory] : []), ...globals];
  const lines: string[] = [];
  for (const entity of entities) {
    if (entity.imported === undefined) continue;
    const { module, name } = entity.imported;
    lines.push(`(import ${quote(module)} ${quote(name)} (${describe(entity)}))`);
  }
  for (const entity of entities) {
    if (entity.imported !== undefined || entity instanceof Func) continue;
    const init = 'init' in entity && entity.init ? ` ${printNode(entity.init)}` : '';
    lines.push(`(${describe(entity)}${init})`);
  }
  for (const [name, entity] of module.exports) {
    lines.push(`(export ${quote(name)} ${reference(entity)})`);
  }
  if (module.start !== undefined) lines.push(`(start ${nameOf(module.start)})`);
  for (const { table, offset, funcs } of module.elements) {
    const members = funcs.map(nameOf).join(' ');
    lines.push(`(elem (table ${nameOf(table)}) (offset ${printNode(offset)}) func ${members})`);
  }
  const placed = new Set(module.elements.flatMap((element) => element.funcs));
  const declared = funcs.filter((func) => func.referenced && !placed.has(func));
  if (declared.length > 0) lines.push(`(elem declare func ${declared.map(nameOf).join(' ')})`);
  for (const func of funcs) if (func.body !== undefined) lines.push(printFunc(func));
  for (const segment of module.segments) {
    const place = segment.offset === undefined ? '' : ` ${printNode(segment.offset)}`;
    lines.push(`(data ${nameOf(segment)}${place} ${string(segment.bytes)})`);
  }
  const name = module.name === undefined ? '' : ` ${identifier(module.name, 0)}`;
  return `(module${name}\n${lines.map(indent).join('\n')}\n)\n`;
}
