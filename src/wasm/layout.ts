/**
 * The order in which things are written and numbered, for the binary writer and the printer alike.
 */
import type { Local } from './entities.ts';
import type { ModuleContents } from './module.ts';

/** Locals in groups of one type each. */
export function groupByType(locals: readonly Local[]): Local[][] {
  const groups: Local[][] = [];
  for (const local of locals) {
    const group = groups.find((group) => group[0].type === local.type);
    if (group === undefined) groups.push([local]);
    else group.push(local);
  }
  return groups;
}

/** Gives every entity of a module its index: imports first in each kind. */
export function numberEntities(module: ModuleContents): void {
  const { funcs, tables, globals, segments } = module;
  for (const entities of [funcs, tables, globals]) {
    let index = 0;
    for (const entity of entities) if (entity.imported) entity.index = index++;
    for (const entity of entities) if (!entity.imported) entity.index = index++;
  }
  segments.forEach((segment, index) => {
    segment.index = index;
  });
}
