import type { Identifier, QualifiedName } from '../ast/node.ts';
import type { TypeName } from '../ast/type-name.ts';

/** The name as it was written, with its quotes. */
export function printIdentifier(name: Identifier): string {
  return name.quoted ? `"${name.name.replaceAll('"', '""')}"` : name.name;
}

export function printName(name: QualifiedName): string {
  return name.parts.map(printIdentifier).join('.');
}

/** Names with commas between. */
export function printNames(names: readonly Identifier[]): string {
  return names.map(printIdentifier).join(', ');
}

/** ` (a, b)`, or nothing when there are no names. */
export function printColumns(names: readonly Identifier[]): string {
  return names.length === 0 ? '' : ` (${printNames(names)})`;
}

export function printString(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function printType(type: TypeName): string {
  const fields = type.fields.map(
    (field) =>
      (field.name === undefined ? '' : `${printIdentifier(field.name)} `) + printType(field.type),
  );
  const inner = fields.length > 0 ? fields : type.modifiers;
  const modifiers = inner.length > 0 ? `(${inner.join(', ')})` : '';
  const dimensions = type.dimensions.map((length) => `[${length ?? ''}]`).join('');
  const zone = ' WITH TIME ZONE';
  if (!type.name.endsWith(zone)) return type.name + modifiers + dimensions;
  return type.name.slice(0, -zone.length) + modifiers + zone + dimensions;
}
