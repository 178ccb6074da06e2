import { existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { type Node, type SourceFile, SyntaxKind } from 'typescript/unstable/ast';
import { API, type Diagnostic, type Project, type Snapshot } from 'typescript/unstable/sync';
import type { Finding } from './finding.ts';
import type { Import } from './layers.ts';

/** A TypeScript project opened with the compiler; close it when done. */
export class Program {
  readonly root: string;
  readonly #api: API;
  readonly #snapshot: Snapshot;
  readonly #project: Project;

  /** `config` is the path of a tsconfig; files are named relative to its folder. */
  constructor(config: string) {
    this.root = dirname(resolve(config));
    this.#api = new API({ cwd: this.root });
    this.#snapshot = this.#api.updateSnapshot({ openProjects: [resolve(config)] });
    const project = this.#snapshot.getProject(resolve(config));
    if (project === undefined) throw new Error(`cannot open ${config}`);
    this.#project = project;
  }

  close(): void {
    this.#snapshot.dispose();
    this.#api.close();
  }

  /** The paths of the project's own files, in order. */
  files(): string[] {
    return this.#project.rootFiles.map((file) => this.#name(file)).sort();
  }

  sourceFile(file: string): SourceFile {
    const source = this.#project.program.getSourceFile(join(this.root, file));
    if (source === undefined) throw new Error(`${file} is not part of the program`);
    return source;
  }

  /** Every import and re-export of the project's own files. */
  imports(): Import[] {
    return this.files().flatMap((file) => {
      const source = this.sourceFile(file);
      return source.imports.map((specifier) => this.#import(file, source, specifier));
    });
  }

  /** What the compiler objects to in `file`, or in the options when no file is given. */
  diagnostics(file?: string): Finding[] {
    const program = this.#project.program;
    if (file === undefined) {
      const all = [
        ...program.getProgramDiagnostics(),
        ...program.getConfigFileParsingDiagnostics(),
      ];
      return all.map((diagnostic) => ({ file: 'tsconfig', message: textOf(diagnostic) }));
    }
    const path = join(this.root, file);
    return [...program.getSyntacticDiagnostics(path), ...program.getSemanticDiagnostics(path)].map(
      (diagnostic) => ({
        file,
        line: lineOf(this.sourceFile(file), diagnostic.pos),
        message: textOf(diagnostic),
      }),
    );
  }

  #import(file: string, source: SourceFile, specifier: Node): Import {
    const text = (specifier as Node & { text: string }).text;
    const path = resolve(this.root, dirname(file), text);
    return {
      from: file,
      line: lineOf(source, specifier.getStart(source)),
      specifier: text,
      to: text.startsWith('.') && existsSync(path) ? this.#name(path) : undefined,
      dynamic: specifier.parent?.kind === SyntaxKind.CallExpression,
    };
  }

  #name(path: string): string {
    return relative(this.root, path).replaceAll('\\', '/');
  }
}

/** The line of a position, counted from 1. */
export function lineOf(source: SourceFile, position: number): number {
  return source.getLineAndCharacterOfPosition(position).line + 1;
}

function textOf(diagnostic: Diagnostic): string {
  return [diagnostic.text, ...(diagnostic.messageChain ?? []).map(textOf)].join(' ');
}
