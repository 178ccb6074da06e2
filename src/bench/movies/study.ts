/** How good the estimates and the join orders of engines are, held against the truth. */
import type { EngineAdapter } from '../adapters/adapter.ts';
import {
  bitCount,
  connectedSets,
  type JoinShape,
  joinShape,
  leastJoinRows,
  partOf,
} from './join-shape.ts';
import { planReader } from './plan-rows.ts';
import { type MovieQuery, movieSql } from './queries.ts';
import { type FilteredRelation, TrueCounts } from './true-counts.ts';

export interface QueryStudy {
  readonly query: MovieQuery;
  /** Rows that the joins of the best order give in all. */
  readonly least: number;
  /** The same of each engine's plan. */
  readonly joinRows: readonly number[];
  readonly parts: readonly PartStudy[];
}

/** Some relations of a query by themselves. */
export interface PartStudy {
  readonly joins: number;
  readonly rows: number;
  /** What each engine expects. */
  readonly estimates: readonly number[];
}

/** Studies a query; `partsMax`: of how many sets of its relations estimates are asked for. */
export async function studyQuery(
  engines: readonly EngineAdapter[],
  query: MovieQuery,
  partsMax: number,
): Promise<QueryStudy> {
  const shape = joinShape(query);
  const { relations, keysMax } = await readRelations(engines[0], query, shape);
  const counts = new TrueCounts(shape, relations, keysMax);
  const sets = connectedSets(shape);
  const rows = new Map(sets.map((set) => [set, counts.count(set)]));
  const parts: PartStudy[] = [];
  // Evenly among all sets, of which those of a middle size are the most.
  const step = Math.max(1, sets.length / partsMax);
  for (let i = 0; i < sets.length; i += step) {
    const set = sets[Math.floor(i)];
    const sql = movieSql(partOf(query, shape, set));
    const estimates: number[] = [];
    for (const engine of engines) estimates.push(await planReader(engine).estimate(engine, sql));
    parts.push({ joins: bitCount(set) - 1, rows: rows.get(set)!, estimates });
  }
  const joinRows: number[] = [];
  for (const engine of engines) {
    joinRows.push(await planReader(engine).joinRows(engine, movieSql(query)));
  }
  return { query, least: leastJoinRows(sets, rows), joinRows, parts };
}

/** The join columns of what passes each relation's own predicates. */
async function readRelations(
  engine: EngineAdapter,
  query: MovieQuery,
  shape: JoinShape,
): Promise<{ relations: FilteredRelation[]; keysMax: number }> {
  const sides = query.joins.flatMap((join) => join.split(' = ')).map((side) => side.split('.'));
  const relations: FilteredRelation[] = [];
  let keysMax = 1;
  for (const [i, alias] of shape.aliases.entries()) {
    const names = [...new Set(sides.filter(([of]) => of === alias).map(([, column]) => column))];
    const part = partOf(query, shape, 1 << i);
    const { rows } = (await engine.query(movieSql(part, names.join(', ')))).table();
    const columns = names.map((name, at) => {
      const values = Int32Array.from(rows, (row) => (row[at] === null ? -1 : Number(row[at])));
      for (const value of values) keysMax = Math.max(keysMax, value + 1);
      return [name, values] as const;
    });
    relations.push({ rowCount: rows.length, columns: new Map(columns) });
  }
  return { relations, keysMax };
}

/**
 * By what factor an estimate is off, either way; a row at least on both sides. (Moerkotte, Neumann
 * and Steidl, "Preventing Bad Plans by Bounding the Impact of Cardinality Estimation Errors", VLDB
 * 2009, who bound by it how much worse than the best a plan can be.)
 */
export function qError(estimate: number, rows: number): number {
  const [a, b] = [Math.max(1, estimate), Math.max(1, rows)];
  return Math.max(a / b, b / a);
}
