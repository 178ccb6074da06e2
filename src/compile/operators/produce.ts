import { QuernError, sqlState } from '../../base/error.ts';
import type { Plan } from '../../plan/plan.ts';
import { i32 } from '../../wasm/index.ts';
import { compileExpression } from '../expressions/compile.ts';
import type { Consume, Query } from '../query.ts';
import { produceAggregate } from './aggregate.ts';
import { produceJoin } from './join.ts';
import { produceRecursive } from './recursive.ts';
import { filtered, produceScan } from './scan.ts';
import { produceSetOperation } from './set-operation.ts';
import { produceOrdered } from './sort.ts';
import { produceValues } from './values.ts';
import { produceWindow } from './window.ts';
import { produceWith, produceWithReference } from './with.ts';

/**
 * Emits the pipelines that compute `plan` and, innermost in the last of them, what `consume` does
 * with a row: data-centric code generation after Neumann, "Efficiently Compiling Efficient Query
 * Plans for Modern Hardware" (VLDB 2011). The steps are added to the query in the order in which
 * they must run.
 */
export function produce(plan: Plan, query: Query, consume: Consume): void {
  produceNode(plan, query, query.options.countRows ? counted(plan, query, consume) : consume);
}

/** Counts the rows of a node in a local, and adds that to its counter after each morsel. */
function counted(plan: Plan, query: Query, consume: Consume): Consume {
  const slot = query.frameSlot(4, 4);
  query.counters.push({ plan, slot });
  return (scope) => {
    const { f, pipeline } = scope;
    const rows = f.local('i32', 'rows');
    f.set(rows, i32.add(rows, 1));
    pipeline.after(() => {
      f.drop(i32.atomic.rmwAdd(i32.add(pipeline.frame, slot), rows));
    });
    consume(scope);
  };
}

function produceNode(plan: Plan, query: Query, consume: Consume): void {
  switch (plan.kind) {
    case 'scan':
      produceScan(plan, query, consume);
      return;
    case 'filter':
      produce(plan.input, query, (scope) => filtered([plan.predicate], scope, consume));
      return;
    case 'project':
      produce(plan.input, query, (scope) => {
        const needed = query.required.get(plan);
        plan.columns.forEach((column, i) => {
          const expression = plan.expressions[i];
          if (expression.kind === 'column' && expression.column.id === column.id) return;
          if (needed !== undefined && !needed.has(column.id)) return;
          scope.define(column, compileExpression(expression, scope));
        });
        consume(scope);
      });
      return;
    case 'values':
      produceValues(plan, query, consume);
      return;
    case 'join':
      produceJoin(plan, query, consume);
      return;
    case 'aggregate':
      produceAggregate(plan, query, consume);
      return;
    case 'sort':
    case 'limit':
      produceOrdered(plan, query, consume);
      return;
    case 'setOperation':
      produceSetOperation(plan, query, consume);
      return;
    case 'window':
      produceWindow(plan, query, consume);
      return;
    case 'recursive':
      produceRecursive(plan, query, consume);
      return;
    case 'with':
      produceWith(plan, query, consume);
      return;
    case 'withReference':
      produceWithReference(plan, query, consume);
      return;
    default:
      throw new QuernError(sqlState.featureNotSupported, `${plan.kind} is not supported yet`);
  }
}
