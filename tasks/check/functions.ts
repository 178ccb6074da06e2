import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import type { Finding } from './finding.ts';
import { isTest } from './layer-table.ts';
import { lineOf, type Program } from './program.ts';

const functionLinesMax = 80;

const functionKinds = new Set<SyntaxKind>([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

/** Finds functions that are longer than a page; the bodies of tests may be. */
export function checkFunctions(program: Program): Finding[] {
  return program
    .files()
    .filter((file) => !isTest(file))
    .flatMap((file) => longFunctions(file, program.sourceFile(file)));
}

function longFunctions(file: string, source: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const visit = (node: Node): void => {
    if (functionKinds.has(node.kind)) {
      const first = lineOf(source, node.getStart(source));
      const lines = lineOf(source, node.end) - first + 1;
      if (lines > functionLinesMax) {
        const message = `a function of ${lines} lines, at most ${functionLinesMax}: split it`;
        findings.push({ file, line: first, message });
      }
    }
    node.forEachChild(visit);
  };
  visit(source);
  return findings;
}
