import { Local } from './entities.ts';
import { Const, type Expr } from './expr.ts';

/** Whether evaluating the expression again costs nothing: it is a local or a constant. */
export function isPlain(expr: Expr): boolean {
  return expr instanceof Local || expr instanceof Const;
}
